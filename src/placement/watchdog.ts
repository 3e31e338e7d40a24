/**
 * The caller's guard over the solver's worker: a worker that hangs, dies or
 * rejects costs at most `watchdogMs`, and then the greedy answer is there.
 */
import { isFound, type Answer } from "./answer.ts";
import { placeGreedy } from "./greedy.ts";
import type { Problem } from "./problem.ts";

/** At the latest after this the greedy answer is taken. */
export const WATCHDOG_MS = 5000;

export type RemoteSolve = (
  problem: Problem,
  options: { readonly deadlineMs: number },
) => Promise<Answer>;

export type GuardedAnswer = {
  readonly answer: Answer;
  /** Who answered; with the reason when it was not the solver. */
  readonly source: "solver" | "greedy";
  readonly reason: string | null;
};

export type WatchdogOptions = {
  readonly deadlineMs: number;
  readonly watchdogMs?: number;
};

/** Never rejects: what goes wrong in the solver becomes the greedy answer with a reason. */
export async function solveWithWatchdog(
  problem: Problem,
  solve: RemoteSolve,
  { deadlineMs, watchdogMs = WATCHDOG_MS }: WatchdogOptions,
): Promise<GuardedAnswer> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(
      () => resolve(`the solver did not answer within ${watchdogMs} ms`),
      watchdogMs,
    );
  });
  const answered = solve(problem, { deadlineMs }).catch(
    (error: unknown) =>
      `the solver failed: ${error instanceof Error ? error.message : String(error)}`,
  );
  const first = await Promise.race([answered, late]);
  clearTimeout(timer);
  if (typeof first === "string") return greedyBecause(problem, first);
  if (first.kind === "unknown") {
    const greedy = greedyBecause(problem, first.message);
    return isFound(greedy.answer) ? greedy : { answer: first, source: "solver", reason: null };
  }
  return { answer: first, source: "solver", reason: null };
}

function greedyBecause(problem: Problem, reason: string): GuardedAnswer {
  return { answer: placeGreedy(problem), source: "greedy", reason };
}
