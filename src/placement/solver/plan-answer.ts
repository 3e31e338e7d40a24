/** Plans turned into answers. `evaluatePlacement` checks every plan against the problem first. */
import type { UnknownCause, Stage } from "../../shared/index.ts";
import type { Answer, FoundAnswer, UnknownAnswer } from "../problem/answer.ts";
import { evaluatePlacement } from "../problem/evaluate.ts";
import type { Instance } from "./instance.ts";
import type { Plan } from "./plan.ts";
import type { Problem } from "../problem/problem.ts";

/** Relative difference below which two costs are the same sum, added in different orders. */
export const SAME_COST = 1e-9;

export type Finding = {
  readonly lowerBoundMs: number;
  readonly deadlineHit: boolean;
  readonly elapsedMs: number;
};

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

/** `optimal` where the bound meets the cost, otherwise `feasible`. */
export function foundAnswer(inst: Instance, plan: Plan, finding: Finding): FoundAnswer {
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
    elapsedMs: finding.elapsedMs,
    parts,
    bottleneckMs,
  };
  const isProven = finding.lowerBoundMs >= costMs - SAME_COST * Math.max(1, costMs);
  if (isProven) return { kind: "optimal", ...common, lowerBoundMs: costMs };
  const lowerBoundMs = Math.max(0, finding.lowerBoundMs);
  return {
    kind: "feasible",
    ...common,
    lowerBoundMs,
    gap: lowerBoundMs > 0 ? costMs / lowerBoundMs - 1 : null,
    deadlineHit: finding.deadlineHit,
  };
}

/** Enforces `maxCostMs`: a placement that is too slow is no answer. */
export function atLeastAsFast(problem: Problem, answer: FoundAnswer): Answer {
  const { maxCostMs } = problem;
  if (maxCostMs === undefined || answer.costMs <= maxCostMs * (1 + SAME_COST)) return answer;
  const { name, elapsedMs } = answer;
  const bestMs = answer.costMs;
  if (answer.lowerBoundMs <= maxCostMs * (1 + SAME_COST))
    return unknownAnswer(problem, { kind: "deadline_with_slow_placement", bestMs }, elapsedMs);
  return {
    kind: "infeasible",
    name,
    binds: "speed",
    shortBytes: 0,
    remedies: [{ kind: "raise_max_cost", bestMs }, { kind: "faster_members_or_links" }],
    elapsedMs,
  };
}

/** Neither found nor disproved. */
export function unknownAnswer(problem: Problem, cause: UnknownCause, elapsedMs = 0): UnknownAnswer {
  return { kind: "unknown", name: problem.name, cause, elapsedMs };
}
