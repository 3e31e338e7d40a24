/**
 * An explanation of a placement, as data: what limits each member's share, what each member that was
 * left out would cost, and which placements came next.
 */
import { type MemberId, moveBoundary, sameStages, type Stage } from "../../shared/index.ts";
import type { FoundAnswer } from "../problem/answer.ts";
import { stagesOf } from "../solver/plan-answer.ts";
import { splitForObjective } from "../solver/bottleneck.ts";
import { evaluatePlacement, type StageShare } from "../problem/evaluate.ts";
import { buildInstance, type Instance } from "../solver/instance.ts";
import type { Problem } from "../problem/problem.ts";
import { solve } from "../solver/solve.ts";

export type ExplainedShare = StageShare & {
  /** Why the share is no larger: what stops one more layer from moving to this member. */
  readonly binds: "memory" | "binding" | "pinned" | "cost" | "all_layers";
};

/** A member without a stage, and the best placement that would include it. */
export type LeftOut = { readonly member: MemberId } & (
  | {
      readonly kind: "costs_more";
      readonly costMs: number;
      /** How much more than the placement explained. */
      readonly extraMs: number;
      /** Whether no placement with it can be cheaper. */
      readonly isProven: boolean;
    }
  | { readonly kind: "excluded" }
  /** Proven: no placement can include it. */
  | { readonly kind: "impossible" }
  /** Not proven: it fits nowhere in this pipeline. */
  | { readonly kind: "fits_nowhere_here" }
  | { readonly kind: "not_found_in_time" }
);

export type RunnerUp = { readonly stages: readonly Stage[]; readonly costMs: number };

export type Explanation = {
  readonly leftOut: readonly LeftOut[];
  readonly runnersUp: readonly RunnerUp[];
};

/** Up to this many members, the cost of including one is solved exactly. */
const EXACT_MEMBERS = 8;
const MAX_RUNNERS_UP = 3;

/**
 * Explains `answer`. `others` are other placements that the solver found; `now` is a clock in ms, and
 * `deadlineMs` limits the exact solves for members left out.
 */
export function explain(
  problem: Problem,
  answer: FoundAnswer,
  others: readonly (readonly Stage[])[],
  { now, deadlineMs }: { readonly now: () => number; readonly deadlineMs: number },
): Explanation {
  const inst = buildInstance(problem);
  const withOthers = alternatives(problem, inst, answer);
  const endsAt = now() + deadlineMs;
  const leftOut = problem.members
    .filter(({ id }) => answer.stages.every(({ member }) => member !== id))
    .map((member): LeftOut => {
      if (member.excluded === true) return { member: member.id, kind: "excluded" };
      const left = endsAt - now();
      if (problem.members.length <= EXACT_MEMBERS && left > 0)
        return exactly(problem, member.id, answer, { now, deadlineMs: left });
      const found = withOthers.get(member.id) ?? null;
      return found === null
        ? { member: member.id, kind: "fits_nowhere_here" }
        : costsMore(member.id, found.costMs, answer.costMs, false);
    });
  const ranked = [
    ...others.map((stages) => ({ stages, costMs: evaluatePlacement(problem, stages).costMs })),
    ...withOthers.values(),
  ];
  return {
    leftOut,
    runnersUp: distinct(answer.stages, ranked),
  };
}

/** Where the milliseconds of `stages` go, and what limits each share; for placements made by any rule. */
export function explainShares(
  problem: Problem,
  stages: readonly Stage[],
): readonly ExplainedShare[] {
  return evaluatePlacement(problem, stages).shares.map((share, index) =>
    explainShare(problem, stages, share, index),
  );
}

/** For each member left out, the cheapest placement with it inserted or in place of another. */
function alternatives(
  problem: Problem,
  inst: Instance,
  answer: FoundAnswer,
): Map<MemberId, RunnerUp> {
  const indexOf = new Map(
    Array.from(inst.memberOf, (at, index) => [problem.members[at]!.id, index]),
  );
  const order = answer.stages.map(({ member }) => indexOf.get(member) ?? -1);
  const found = new Map<MemberId, RunnerUp>();
  for (const [id, memberIndex] of indexOf) {
    if (order.includes(memberIndex)) continue;
    let best: RunnerUp | null = null;
    for (let at = 0; at <= order.length; at++)
      for (const until of [at, at + 1]) {
        if (until > order.length) continue;
        const changed = [...order.slice(0, at), memberIndex, ...order.slice(until)];
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
  id: MemberId,
  answer: FoundAnswer,
  clock: { readonly now: () => number; readonly deadlineMs: number },
): LeftOut {
  const members = problem.members.map((member) =>
    member.id === id ? { ...member, pinned: true as const } : member,
  );
  const forced = solve({ ...problem, members }, clock);
  if (forced.kind === "infeasible") return { member: id, kind: "impossible" };
  if (forced.kind === "unknown") return { member: id, kind: "not_found_in_time" };
  return costsMore(id, forced.costMs, answer.costMs, forced.kind === "optimal");
}

function costsMore(member: MemberId, costMs: number, bestMs: number, isProven: boolean): LeftOut {
  return { member, kind: "costs_more", costMs, extraMs: costMs - bestMs, isProven };
}

/** What stops one more layer from moving here, from the next stage or from the previous one. */
function explainShare(
  problem: Problem,
  stages: readonly Stage[],
  share: StageShare,
  index: number,
): ExplainedShare {
  const member = problem.members.find(({ id }) => id === share.member);
  if (stages.length === 1) return { ...share, binds: "all_layers" };
  if (typeof member?.pinned === "object") return { ...share, binds: "pinned" };
  const here = evaluatePlacement(problem, stages).violations.length;
  const reasons = [index, index - 1].flatMap((boundary) => {
    if (boundary < 0 || boundary >= stages.length - 1) return [];
    const end = stages[boundary]!.end + (boundary === index ? 1 : -1);
    const moved = moveBoundary(stages, boundary, end);
    if (sameStages(moved, stages)) return ["cost" as const];
    const broken = evaluatePlacement(problem, moved).violations.filter(
      (violation) => "member" in violation && violation.member === share.member,
    );
    if (broken.length === 0 || here > 0) return ["cost" as const];
    return broken.some(({ kind }) => kind === "memory")
      ? ["memory" as const]
      : ["binding" as const];
  });
  const binds = reasons.find((reason) => reason !== "cost") ?? "cost";
  return { ...share, binds };
}

function distinct(best: readonly Stage[], ranked: readonly RunnerUp[]): RunnerUp[] {
  const key = (stages: readonly Stage[]) => stages.map(({ member }) => member).join("\n");
  const seen = new Set([key(best)]);
  return [...ranked]
    .sort((left, right) => left.costMs - right.costMs)
    .filter(({ stages }) => !seen.has(key(stages)) && seen.add(key(stages)))
    .slice(0, MAX_RUNNERS_UP);
}
