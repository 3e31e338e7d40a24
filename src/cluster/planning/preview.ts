/**
 * The possible placements of a model: the solver's choice and its explanation, the
 * runners-up, trade-offs between latency and throughput, the greedy rules, the current
 * placement, and each member alone.
 */
import {
  type CostParts,
  type ExplainedAnswer,
  type Explanation,
  type FrontAnswer,
  type Problem,
  type ExplainedShare,
  explainShares,
  isFound,
  placeGreedy,
} from "../../placement/index.ts";
import {
  type ModelSummary,
  type BrokenRule,
  type CandidateOrigin,
  type Refusal,
  type Violation,
  type RoomState,
  type Stage,
} from "../../shared/index.ts";
import { refusalOf, solveGuarded } from "./decide-placement.ts";
import type { Planner, Timings } from "../parts.ts";
import { costOf, problemOf } from "./room-problem.ts";

export type PreviewCandidate = {
  /** What proposed these stages; the most important first. */
  readonly origins: readonly CandidateOrigin[];
  readonly feasible: boolean;
  readonly violations: readonly Violation[];
  /** null if a link is missing. */
  readonly predictedMsPerToken: number | null;
  /** Of all answers in total, with as many in flight as the pipeline can use. */
  readonly predictedTokensPerSecond: number | null;
  readonly bottleneckMs: number | null;
  readonly parts: CostParts;
  /** `hopMs` is Infinity if a link is missing. */
  readonly stages: readonly ExplainedShare[];
};

export type PlacementPreviewAnswer = {
  readonly model: string;
  /** "optimal" is proven, "feasible" is the best found; otherwise see `refusal`. */
  readonly kind: "optimal" | "feasible" | "infeasible" | "unknown";
  readonly refusal: Refusal | null;
  readonly objective: Problem["objective"];
  /** In ms of the objective. */
  readonly lowerBoundMs: number | null;
  readonly elapsedMs: number;
  readonly candidates: readonly PreviewCandidate[];
  /** Of the solver's choice; null without one. */
  readonly explanation: Explanation | null;
  /** From the lowest latency to the highest throughput; no point is better than another in both. */
  readonly front: FrontAnswer["points"];
  /** Whether the front has every trade-off. */
  readonly frontIsComplete: boolean;
  /** Constraints that keep members out (hard) or add a penalty to their cost (soft). */
  readonly brokenRules: readonly BrokenRule[];
};

type Proposal = readonly [origin: CandidateOrigin, stages: readonly Stage[]];

/** Members shown alone: a longer list is not useful. */
const MAX_ALONE = 16;

/** Never rejects: without the solver, the greedy rules answer. */
export async function previewPlacement(
  state: RoomState,
  model: ModelSummary,
  planner: Planner,
  timings: Timings,
): Promise<PlacementPreviewAnswer> {
  const built = problemOf(state, model);
  const { problem, brokenRules } = built;
  const common = { model: model.name, objective: problem.objective, brokenRules };
  const solved = await explained(problem, planner, timings);
  const { answer, explanation, front } = solved;
  const proposals = distinct(proposed(state, model, problem, solved));
  const found = isFound(answer);
  return {
    ...common,
    kind: answer.kind,
    refusal: found ? null : refusalOf(model, answer, built),
    lowerBoundMs: found ? answer.lowerBoundMs : null,
    elapsedMs: answer.elapsedMs,
    candidates: proposals.map(([origins, stages]) => candidate(problem, origins, stages)),
    explanation,
    front: front?.points ?? [],
    frontIsComplete: front?.isComplete ?? false,
  };
}

/** What given stages would cost, and which constraints they violate. */
export function previewStages(
  state: RoomState,
  model: ModelSummary,
  stages: readonly Stage[],
): PreviewCandidate {
  return candidate(problemOf(state, model).problem, [{ kind: "draft" }], stages);
}

/** Guarded by the watchdog; without the solver there is only an answer. */
async function explained(problem: Problem, planner: Planner, timings: Timings) {
  let found: ExplainedAnswer | null = null;
  const solve: Planner["solve"] = async (asked, options) => {
    found = await planner.explained(asked, options);
    return found.answer;
  };
  const { answer } = await solveGuarded(problem, { planner: { ...planner, solve }, timings });
  const nothing = { explanation: null, front: null };
  return { ...nothing, ...(found as ExplainedAnswer | null), answer };
}

function proposed(
  state: RoomState,
  model: ModelSummary,
  problem: Problem,
  { answer, explanation, front }: ExplainedAnswer,
): Proposal[] {
  const greedy = placeGreedy(problem);
  const runs = state.placement?.model.contentId === model.contentId ? state.placement : null;
  const layers = model.layers.length;
  const points = front?.points ?? [];
  return [
    ...(isFound(answer) ? [[{ kind: "solver" }, answer.stages] as const] : []),
    ...(runs ? [[{ kind: "current" }, runs.stages] as const] : []),
    ...endsAndMiddle(points).map(
      ({ point, index }) =>
        [{ kind: "pareto_front", point: index + 1, points: points.length }, point.stages] as const,
    ),
    ...(explanation?.runnersUp ?? []).map(
      ({ stages }, index) => [{ kind: "runner_up", rank: index + 1 }, stages] as const,
    ),
    ...(isFound(greedy) ? [[{ kind: "greedy" }, greedy.stages] as const] : []),
    ...problem.members
      .slice(0, MAX_ALONE)
      .map(
        ({ id }) =>
          [{ kind: "single_member", member: id }, [{ member: id, first: 0, end: layers }]] as const,
      ),
  ];
}

/** Of many trade-offs, the two ends and one between: as many as a person can compare. */
function endsAndMiddle<T>(points: readonly T[]): { readonly point: T; readonly index: number }[] {
  const chosen = new Set([0, points.length >> 1, points.length - 1]);
  return points.flatMap((point, index) => (chosen.has(index) ? [{ point, index }] : []));
}

function candidate(
  problem: Problem,
  origins: readonly CandidateOrigin[],
  stages: readonly Stage[],
): PreviewCandidate {
  const { violations, parts, msPerToken, bottleneckMs } = costOf(problem, stages);
  return {
    origins,
    feasible: violations.length === 0,
    violations,
    predictedMsPerToken: msPerToken,
    predictedTokensPerSecond: bottleneckMs ? 1000 / bottleneckMs : null,
    bottleneckMs,
    parts,
    stages: explainShares(problem, stages),
  };
}

/** The same stages once, with all their origins, in the order of the first. */
function distinct(
  proposals: readonly Proposal[],
): (readonly [origins: readonly CandidateOrigin[], stages: readonly Stage[]])[] {
  const found = new Map<string, { origins: CandidateOrigin[]; stages: readonly Stage[] }>();
  for (const [origin, stages] of proposals) {
    const key = JSON.stringify(stages.map(({ member, first, end }) => [member, first, end]));
    const known = found.get(key);
    if (known) known.origins.push(origin);
    else found.set(key, { origins: [origin], stages });
  }
  return [...found.values()].map(({ origins, stages }) => [origins, stages] as const);
}
