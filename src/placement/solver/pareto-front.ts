/** The Pareto front of latency against throughput. */
import type { Stage } from "../../shared/index.ts";
import { stagesOf } from "./plan-answer.ts";
import { isImpossible } from "./infeasible.ts";
import { buildInstance } from "./instance.ts";
import { sweepFront } from "./pareto-sweep.ts";
import type { Problem } from "../problem/problem.ts";
import type { SolveOptions } from "./solve.ts";

export type FrontAnswer = {
  /** From the lowest latency to the lowest bottleneck. */
  readonly points: readonly {
    readonly stages: readonly Stage[];
    readonly latencyMs: number;
    readonly bottleneckMs: number;
  }[];
  /** Whether the front is complete; false when time ran out. */
  readonly isComplete: boolean;
};

/** The part of the front that time allows; the problem's objective is ignored. */
export function frontOf(problem: Problem, { deadlineMs, now }: SolveOptions): FrontAnswer {
  const startedAt = now();
  const inst = buildInstance({ ...problem, objective: "latency" });
  if (isImpossible(inst)) return { points: [], isComplete: true };
  const { points, isComplete } = sweepFront(inst, () => now() - startedAt >= deadlineMs);
  return {
    points: points.map(({ plan, bottleneckMs }) => ({
      stages: stagesOf(inst, plan),
      latencyMs: plan.cost,
      bottleneckMs,
    })),
    isComplete,
  };
}
