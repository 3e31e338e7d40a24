/** Plans turned into answers. `evaluatePlacement` checks every plan against the problem first. */
import type { UnknownCause, Stage } from "../../shared/index.ts";
import type { Answer, InfeasibleAnswer, UnknownAnswer } from "../problem/answer.ts";
import { evaluatePlacement } from "../problem/evaluate.ts";
import type { Instance, Plan } from "./instance.ts";
import type { Problem } from "../problem/problem.ts";

/** Relative difference below which two costs are the same sum, added in different orders. */
export const SAME_COST = 1e-9;

/** The stages of a plan, by the members' ids. */
export function stagesOf(inst: Instance, plan: Pick<Plan, "order" | "ends">): Stage[] {
  let first = 0;
  return plan.order.map((index, position) => {
    const member = inst.problem.members[inst.memberOf[index] ?? -1];
    const end = plan.ends[position] ?? -1;
    if (member === undefined) throw new Error(`the plan names member ${index}, which is unknown`);
    const stage = { member: member.id, first, end };
    first = end;
    return stage;
  });
}

/**
 * `optimal` where the bound meets the cost, otherwise `feasible`; a placement that is slower than
 * `maxCostMs` is no answer. The caller sets `elapsedMs`.
 */
export function foundAnswer(
  inst: Instance,
  plan: Plan,
  boundMs: number,
  deadlineHit = false,
): Answer {
  const { problem } = inst;
  const stages = stagesOf(inst, plan);
  const { costMs, parts, bottleneckMs, violations } = evaluatePlacement(problem, stages);
  const broken = violations.find(({ kind }) => kind !== "too_slow");
  if (broken !== undefined)
    throw new Error(`the solver made an invalid placement: ${JSON.stringify(broken)}`);
  const common = {
    name: problem.name,
    stages,
    costMs,
    elapsedMs: 0,
    parts,
    bottleneckMs,
  };
  const isProven = boundMs >= costMs - SAME_COST * Math.max(1, costMs);
  const lowerBoundMs = isProven ? costMs : Math.max(0, boundMs);
  const limitMs = (problem.maxCostMs ?? Infinity) * (1 + SAME_COST);
  if (lowerBoundMs > limitMs) return tooSlow(problem, costMs);
  if (costMs > limitMs)
    return unknownAnswer(problem, { kind: "deadline_with_slow_placement", bestMs: costMs });
  if (isProven) return { kind: "optimal", ...common, lowerBoundMs };
  const gap = lowerBoundMs > 0 ? costMs / lowerBoundMs - 1 : null;
  return { kind: "feasible", ...common, lowerBoundMs, gap, deadlineHit };
}

/** Proven: no placement is as fast as `maxCostMs` requires. */
function tooSlow({ name }: Problem, bestMs: number): InfeasibleAnswer {
  return {
    kind: "infeasible",
    name,
    binds: "speed",
    shortBytes: 0,
    remedies: [{ kind: "raise_max_cost", bestMs }, { kind: "faster_members_or_links" }],
    elapsedMs: 0,
  };
}

/** Neither found nor disproved. The caller sets `elapsedMs`. */
export function unknownAnswer({ name }: Problem, cause: UnknownCause): UnknownAnswer {
  return { kind: "unknown", name, cause, elapsedMs: 0 };
}
