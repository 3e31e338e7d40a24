/**
 * Guards the solver's worker for its caller: if it hangs, dies, or rejects, the greedy answer follows
 * after at most `watchdogMs`.
 */
import { errorMessage, type SolverFailure } from "../../shared/index.ts";
import { isFound, type Answer } from "../problem/answer.ts";
import { placeGreedy } from "./greedy.ts";
import type { Problem } from "../problem/problem.ts";

/** The greedy answer is taken after this time at the latest. */
export const WATCHDOG_MS = 5000;

export type RemoteSolve = (
  problem: Problem,
  options: { readonly deadlineMs: number },
) => Promise<Answer>;

export type GuardedAnswer = {
  readonly answer: Answer;
  /** Why the greedy rules answered in place of the solver; null when the solver answered. */
  readonly failure: SolverFailure | null;
};

export type WatchdogOptions = {
  readonly deadlineMs: number;
  readonly watchdogMs?: number;
};

/** Never rejects: when the solver fails, the greedy rules answer. */
export async function solveWithWatchdog(
  problem: Problem,
  solve: RemoteSolve,
  { deadlineMs, watchdogMs = WATCHDOG_MS }: WatchdogOptions,
): Promise<GuardedAnswer> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<SolverFailure>((resolve) => {
    timer = setTimeout(() => resolve({ kind: "timeout", afterMs: watchdogMs }), watchdogMs);
  });
  const answered = solve(problem, { deadlineMs }).catch((error: unknown): SolverFailure => ({
    kind: "error",
    message: errorMessage(error),
  }));
  const first = await Promise.race([answered, late]);
  clearTimeout(timer);
  if (first.kind === "timeout" || first.kind === "error")
    return { answer: placeGreedy(problem), failure: first };
  if (first.kind === "unknown") {
    const answer = placeGreedy(problem);
    if (isFound(answer)) return { answer, failure: { kind: "unknown", cause: first.cause } };
  }
  return { answer: first as Answer, failure: null };
}
