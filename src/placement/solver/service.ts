/** What the placement worker offers; pure except for the clock. */
import { isFound, type Answer } from "../problem/answer.ts";
import { explain, type Explanation } from "../explain/explain.ts";
import { frontOf, type FrontAnswer } from "./pareto-sweep.ts";
import type { Problem } from "../problem/problem.ts";
import { solve, solveAndKeep } from "./solve.ts";
import { warmUp } from "./warm-up.ts";

export type ExplainedAnswer = {
  readonly answer: Answer;
  readonly explanation: Explanation | null;
  readonly front: FrontAnswer | null;
};

export type PlacementService = {
  /** Compiles the solver's loops before the first real problem. */
  warmUp(): void;
  solve(problem: Problem, options: { readonly deadlineMs: number }): Answer;
  /** An answer, and if there is a placement, its explanation and the front of latency against throughput. */
  explained(problem: Problem, options: { readonly deadlineMs: number }): ExplainedAnswer;
};

/** The service with the clock `now`, in ms. */
export function placementService(now: () => number): PlacementService {
  return {
    warmUp: () => warmUp(now),
    solve: (problem, { deadlineMs }) => solve(problem, { deadlineMs, now }),
    explained: (problem, { deadlineMs }) => {
      const { answer, found } = solveAndKeep(problem, { deadlineMs, now });
      if (!isFound(answer)) return { answer, explanation: null, front: null };
      const explanation = explain(problem, answer, found, { now, deadlineMs });
      return { answer, explanation, front: frontOf(problem, { deadlineMs, now }) };
    },
  };
}
