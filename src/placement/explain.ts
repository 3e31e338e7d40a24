/**
 * A placement in words and numbers: where the milliseconds go, what binds each
 * member's share, what each member left out would have cost, and what came next.
 */
import type { AnswerStage, CostParts, FoundAnswer } from "./answer.ts";
import { stagesOf } from "./answers.ts";
import { splitForObjective } from "./bottleneck.ts";
import { evaluatePlacement, type StageShare } from "./evaluate.ts";
import { buildInstance, type Instance } from "./instance.ts";
import type { Problem } from "./problem.ts";
import { solve } from "./solve.ts";

export type ExplainedShare = StageShare & {
  /** Why the share is no larger: what stops one more layer from moving here. */
  readonly binds: "memory" | "binding" | "pinned" | "cost" | "all layers";
  readonly why: string;
};

export type LeftOut = {
  readonly member: string;
  /** The best cost found with it, or null when it cannot take part. */
  readonly costMs: number | null;
  /** How much more that is; null as above. */
  readonly extraMs: number | null;
  /** Whether no placement with it can be cheaper. */
  readonly isProven: boolean;
  readonly why: string;
};

export type RunnerUp = { readonly stages: readonly AnswerStage[]; readonly costMs: number };

export type Explanation = {
  readonly sentence: string;
  readonly parts: CostParts;
  readonly shares: readonly ExplainedShare[];
  readonly leftOut: readonly LeftOut[];
  readonly runnersUp: readonly RunnerUp[];
};

/** Up to so many members, what a member would cost is solved exactly. */
const EXACT_MEMBERS = 8;
const MOST_RUNNERS_UP = 3;

/**
 * Explains `answer`. `others` are placements met on the way to it; `now` is a
 * clock in ms, and `deadlineMs` bounds the exact look at members left out.
 */
export function explain(
  problem: Problem,
  answer: FoundAnswer,
  others: readonly (readonly AnswerStage[])[],
  { now, deadlineMs }: { readonly now: () => number; readonly deadlineMs: number },
): Explanation {
  const inst = buildInstance(problem);
  const { shares, parts } = evaluatePlacement(problem, answer.stages);
  const withOthers = alternatives(problem, inst, answer);
  const endsAt = now() + deadlineMs;
  const leftOut = problem.members
    .filter(({ id }) => answer.stages.every(({ member }) => member !== id))
    .map((member): LeftOut => {
      if (member.excluded === true) return cannot(member.id, "it is excluded");
      const left = endsAt - now();
      if (problem.members.length <= EXACT_MEMBERS && left > 0)
        return exactly(problem, member.id, answer, { now, deadlineMs: left });
      const found = withOthers.get(member.id) ?? null;
      return found === null
        ? cannot(member.id, "it fits nowhere in this pipeline", false)
        : costing(member.id, found.costMs, answer.costMs, false);
    });
  const ranked = [
    ...others.map((stages) => ({ stages, costMs: evaluatePlacement(problem, stages).costMs })),
    ...withOthers.values(),
  ];
  return {
    sentence: sentenceOf(answer, shares),
    parts,
    shares: shares.map((share, index) => explainShare(problem, answer.stages, share, index)),
    leftOut,
    runnersUp: distinct(answer.stages, ranked),
  };
}

/** What binds each share of `stages`, as `explain` says it; for placements made by any rule. */
export function explainShares(
  problem: Problem,
  stages: readonly AnswerStage[],
): readonly ExplainedShare[] {
  return evaluatePlacement(problem, stages).shares.map((share, index) =>
    explainShare(problem, stages, share, index),
  );
}

/** The cheapest placements with each member left out put in, or in the place of another. */
function alternatives(
  problem: Problem,
  inst: Instance,
  answer: FoundAnswer,
): Map<string, RunnerUp> {
  const indexOf = new Map<string, number>();
  inst.memberOf.forEach((member, d) => indexOf.set(problem.members[member]?.id ?? "", d));
  const order = answer.stages.map(({ member }) => indexOf.get(member) ?? -1);
  const found = new Map<string, RunnerUp>();
  for (const [id, d] of indexOf) {
    if (order.includes(d)) continue;
    let best: RunnerUp | null = null;
    for (let at = 0; at <= order.length; at++)
      for (const until of [at, at + 1]) {
        if (until > order.length) continue;
        const changed = [...order.slice(0, at), d, ...order.slice(until)];
        const plan = splitForObjective(inst, changed);
        if (plan === null || (best !== null && plan.cost >= best.costMs)) continue;
        best = { stages: stagesOf(inst, plan), costMs: plan.cost };
      }
    if (best !== null) found.set(id, best);
  }
  return found;
}

function exactly(
  problem: Problem,
  id: string,
  answer: FoundAnswer,
  clock: { readonly now: () => number; readonly deadlineMs: number },
): LeftOut {
  const members = problem.members.map((member) =>
    member.id === id ? { ...member, pinned: true as const } : member,
  );
  const forced = solve({ ...problem, members }, clock);
  if (forced.kind === "infeasible") return cannot(id, "no placement can have it");
  if (forced.kind === "unknown") return cannot(id, "no placement with it was found in time", false);
  return costing(id, forced.costMs, answer.costMs, forced.kind === "optimal");
}

function cannot(member: string, reason: string, isProven = true): LeftOut {
  return {
    member,
    costMs: null,
    extraMs: null,
    isProven,
    why: `${member} takes no part: ${reason}.`,
  };
}

function costing(member: string, costMs: number, bestMs: number, isProven: boolean): LeftOut {
  const extraMs = costMs - bestMs;
  const about = isProven ? "" : "about ";
  return {
    member,
    costMs,
    extraMs,
    isProven,
    why: `${member} would cost ${about}${extraMs.toFixed(2)} ms more a token (${costMs.toFixed(2)} ms).`,
  };
}

/** What stops one more layer, from the next stage or else the one before, from moving here. */
function explainShare(
  problem: Problem,
  stages: readonly AnswerStage[],
  share: StageShare,
  index: number,
): ExplainedShare {
  const member = problem.members.find(({ id }) => id === share.member);
  if (stages.length === 1)
    return { ...share, binds: "all layers", why: `${share.member} runs every layer.` };
  if (typeof member?.pinned === "object")
    return { ...share, binds: "pinned", why: `${share.member} is pinned to its layers.` };
  const here = evaluatePlacement(problem, stages).violations.length;
  const reasons = [index, index - 1].flatMap((boundary) => {
    if (boundary < 0 || boundary >= stages.length - 1) return [];
    const moved = moveBoundary(stages, boundary, boundary === index ? 1 : -1);
    if (moved === null) return ["cost" as const];
    const broken = evaluatePlacement(problem, moved).violations.filter(
      (violation) => violation.member === share.member,
    );
    if (broken.length <= 0 || here > 0) return ["cost" as const];
    return broken.some(({ constraint }) => constraint === "memory")
      ? ["memory" as const]
      : ["binding" as const];
  });
  const binds = reasons.find((reason) => reason !== "cost") ?? "cost";
  const why = {
    memory: `${share.member} is full: one more layer does not fit its memory.`,
    binding: `${share.member} cannot bind a tensor of the next layer.`,
    cost: `${share.member} could hold more, but its layers run faster where they are.`,
  }[binds];
  return { ...share, binds, why };
}

/**
 * `stages` with the boundary after stage `boundary` moved by so many layers, or
 * null when a stage would become empty. What a hand on a boundary does.
 */
export function moveBoundary(
  stages: readonly AnswerStage[],
  boundary: number,
  byLayers: number,
): AnswerStage[] | null {
  const before = stages[boundary];
  const after = stages[boundary + 1];
  if (before === undefined || after === undefined) return null;
  const end = before.end + byLayers;
  if (end <= before.first || end >= after.end) return null;
  return stages.map((stage, index) => {
    if (index === boundary) return { ...stage, end };
    return index === boundary + 1 ? { ...stage, first: end } : stage;
  });
}

function distinct(best: readonly AnswerStage[], ranked: readonly RunnerUp[]): RunnerUp[] {
  const key = (stages: readonly AnswerStage[]) => stages.map(({ member }) => member).join("\n");
  const seen = new Set([key(best)]);
  return [...ranked]
    .sort((a, b) => a.costMs - b.costMs)
    .filter(({ stages }) => !seen.has(key(stages)) && seen.add(key(stages)))
    .slice(0, MOST_RUNNERS_UP);
}

function sentenceOf(answer: FoundAnswer, shares: readonly StageShare[]): string {
  const { computeMs, stageMs, hopMs } = answer.parts;
  const who = shares.map(({ member, first, end }) => `${member} ${first} to ${end}`).join(", ");
  const proof =
    answer.kind === "optimal"
      ? "No placement is better."
      : answer.gap === null
        ? "How much better another could be is not known."
        : `Another could be at most ${(answer.gap * 100).toFixed(1)} % better.`;
  return (
    `${answer.costMs.toFixed(2)} ms: ${computeMs.toFixed(2)} of computing, ` +
    `${stageMs.toFixed(2)} of overhead, ${hopMs.toFixed(2)} between members. ` +
    `Layers: ${who}. ${proof}`
  );
}
