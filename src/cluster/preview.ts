/**
 * What placing a model would give, without doing it: the solver's choice, the
 * greedy one, the one that runs, and each member alone, with what each costs and
 * what stands in its way.
 */
import { isFound, type AnswerStage, type CostParts } from "../placement/answer.ts";
import { evaluatePlacement } from "../placement/evaluate.ts";
import type { Problem } from "../placement/problem.ts";
import type { ModelSummary } from "../shared/model.ts";
import type { RoomState, Stage } from "../shared/state.ts";
import { NOBODY_COMPUTES, refusal } from "./decide-placement.ts";
import type { Planner } from "./parts.ts";

export type PreviewStage = {
  readonly member: string;
  readonly first: number;
  readonly end: number;
  readonly computeMs: number;
  readonly stageMs: number;
  readonly hopMs: number;
  readonly usedBytes: number;
  readonly memoryBytes: number;
};

export type PreviewCandidate = {
  readonly label: string;
  readonly feasible: boolean;
  /** Why it cannot be, one sentence each. */
  readonly problems: readonly string[];
  /** null where a link is missing, so that no time can be told. */
  readonly predictedMsPerToken: number | null;
  readonly parts: CostParts;
  readonly stages: readonly PreviewStage[];
};

export type PlacementPreviewAnswer = {
  readonly model: string;
  /** "optimal" is proven, "feasible" the best found; otherwise `reason` says why not. */
  readonly kind: "optimal" | "feasible" | "infeasible" | "unknown";
  readonly reason: string | null;
  readonly lowerBoundMs: number | null;
  readonly elapsedMs: number;
  readonly candidates: readonly PreviewCandidate[];
};

export async function previewPlacement(
  state: RoomState,
  model: ModelSummary,
  planner: Planner,
  deadlineMs: number,
): Promise<PlacementPreviewAnswer> {
  if (!state.members.some(({ adapter, measurements }) => adapter && measurements)) {
    return {
      model: model.name,
      kind: "infeasible",
      reason: NOBODY_COMPUTES,
      lowerBoundMs: null,
      elapsedMs: 0,
      candidates: [],
    };
  }
  const problem = planner.problem(state, model);
  const answer = await planner.solve(problem, { deadlineMs });
  const greedy = planner.greedy(problem);
  const proposals: (readonly [string, readonly AnswerStage[]])[] = [];
  if (isFound(answer)) proposals.push(["solver", answer.stages]);
  if (isFound(greedy)) proposals.push(["greedy", greedy.stages]);
  if (state.placement?.model.contentId === model.contentId) {
    proposals.push(["current", state.placement.stages]);
  }
  for (const { id } of problem.members) {
    proposals.push([`${id} alone`, [{ member: id, first: 0, end: model.layers.length }]]);
  }
  const found = isFound(answer);
  return {
    model: model.name,
    kind: answer.kind,
    reason: found ? null : refusal(model, answer),
    lowerBoundMs: found ? answer.lowerBoundMs : null,
    elapsedMs: answer.elapsedMs,
    candidates: distinct(proposals).map(([label, stages]) => candidate(problem, label, stages)),
  };
}

/** What these stages would cost, and what stands in their way; for a draft made by hand. */
export function previewStages(
  state: RoomState,
  model: ModelSummary,
  planner: Planner,
  stages: readonly Stage[],
): PreviewCandidate {
  return candidate(planner.problem(state, model), "draft", stages);
}

function candidate(
  problem: Problem,
  label: string,
  stages: readonly AnswerStage[],
): PreviewCandidate {
  const { violations, costMs, parts, shares } = evaluatePlacement(problem, stages);
  return {
    label,
    feasible: violations.length === 0,
    problems: violations.map(({ message }) => message),
    predictedMsPerToken: Number.isFinite(costMs) ? costMs : null,
    parts,
    stages: shares,
  };
}

/** The first of those that are the same; labels of later ones are dropped. */
function distinct(
  proposals: readonly (readonly [string, readonly AnswerStage[]])[],
): (readonly [string, readonly AnswerStage[]])[] {
  const seen = new Set<string>();
  return proposals.filter(([, stages]) => {
    const key = JSON.stringify(stages.map(({ member, first, end }) => [member, first, end]));
    return !seen.has(key) && seen.add(key);
  });
}
