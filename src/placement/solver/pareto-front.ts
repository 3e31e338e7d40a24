/** The Pareto front of latency against throughput, as answers for people. */
import type { Stage } from "../../shared/index.ts";
import { stagesOf } from "./plan-answer.ts";
import { isImpossible } from "./infeasible.ts";
import { buildInstance } from "./instance.ts";
import { sweepFront } from "./pareto-sweep.ts";
import type { Problem } from "../problem/problem.ts";
import type { SolveOptions } from "./solve.ts";

export type FrontAnswer = {
  /** From the least latency to the least bottleneck; none is better in both than another. */
  readonly points: readonly {
    readonly stages: readonly Stage[];
    readonly latencyMs: number;
    readonly bottleneckMs: number;
  }[];
  /** Whether every trade-off is there; false when time ran out. */
  readonly isComplete: boolean;
};

/** All trade-offs between latency and throughput that time allows; the objective is not read. */
export function frontOf(problem: Problem, { deadlineMs, now }: SolveOptions): FrontAnswer {
  const startedAt = now();
  const inst = buildInstance({ ...problem, objective: "latency" });
  if (isImpossible(inst)) return { points: [], isComplete: true };
  const { points, isComplete } = sweepFront(inst, () => now() - startedAt >= deadlineMs);
  return {
    points: points.map(({ plan, linearMs, bottleneckMs }) => ({
      stages: stagesOf(inst, plan),
      latencyMs: linearMs,
      bottleneckMs,
    })),
    isComplete,
  };
}
