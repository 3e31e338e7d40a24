/** What the placement worker offers; pure except for the clock. */
import { isFound, type Answer } from "../problem/answer.ts";
import { explain, type Explanation } from "../explain/explain.ts";
import { frontOf, type FrontAnswer } from "./pareto-sweep.ts";
import type { Problem } from "../problem/problem.ts";
import { solve, solveAndKeep } from "./solve.ts";
import { warmUp } from "./warm-up.ts";

export type PlacementService = {
  /** Compiles the solver's loops before the first real problem. */
  warmUp(): void;
  solve(problem: Problem, options: { readonly deadlineMs: number }): Answer;
  /** An answer, and its explanation if there is a placement. */
  explained(
    problem: Problem,
    options: { readonly deadlineMs: number },
  ): { readonly answer: Answer; readonly explanation: Explanation | null };
  /** The Pareto front of latency against throughput. */
  front(problem: Problem, options: { readonly deadlineMs: number }): FrontAnswer;
};

/** The service with the clock `now`, in ms. */
export function placementService(now: () => number): PlacementService {
  return {
    warmUp: () => warmUp(now),
    solve: (problem, { deadlineMs }) => solve(problem, { deadlineMs, now }),
    explained: (problem, { deadlineMs }) => {
      const { answer, found } = solveAndKeep(problem, { deadlineMs, now });
      const explanation = isFound(answer)
        ? explain(problem, answer, found, { now, deadlineMs })
        : null;
      return { answer, explanation };
    },
    front: (problem, { deadlineMs }) => frontOf(problem, { deadlineMs, now }),
  };
}
