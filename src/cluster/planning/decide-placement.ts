/**
 * From a room and a model to stages: waits a little for links that are being
 * measured and asks the solver, guarded by its watchdog.
 */
import {
  type Answer,
  type Problem,
  type RoomProblem,
  solveWithWatchdog,
} from "../../placement/index.ts";
import {
  type Clock,
  failureOf,
  type ModelSummary,
  type Choice,
  type PlacementFailure,
  type Refusal,
  roomFailureOf,
  type RoomState,
  sleep,
} from "../../shared/index.ts";
import type { CoordinatorParts } from "../parts.ts";
import { problemOf, type ProblemOptions } from "./room-problem.ts";

/** Resolves with the solver's proposal, and the state to which it applies. Never rejects. */
export async function propose(
  model: ModelSummary,
  { state, ...parts }: Pick<CoordinatorParts, "state" | "clock" | "planner" | "timings">,
  options?: ProblemOptions,
) {
  await linksMeasured(state, parts.clock, parts.timings.linksMs);
  const solved = state();
  const built = problemOf(solved, model, options);
  return { state: solved, built, ...(await solveGuarded(built.problem, parts)) };
}

/**
 * The solver's answer, or that of the greedy rules if the solver fails. Limits of members that have not
 * shown their speed are lifted if nothing fits otherwise. Never rejects.
 */
export async function solveGuarded(
  problem: Problem,
  { planner, timings }: Pick<CoordinatorParts, "planner" | "timings">,
): Promise<{ readonly answer: Answer; readonly choice: Choice }> {
  const { answer, failure } = await solveWithWatchdog(
    problem,
    (asked, options) => planner.solve(asked, options),
    { deadlineMs: timings.solveMs, watchdogMs: timings.watchdogMs },
  );
  if (failure !== null) return { answer, choice: { kind: "greedy", failure } };
  if (
    answer.kind === "infeasible" &&
    problem.members.some(({ maxLayers }) => maxLayers !== undefined)
  ) {
    const members = problem.members.map(({ maxLayers: _limit, ...member }) => member);
    return solveGuarded({ ...problem, members }, { planner, timings });
  }
  const kind = answer.kind === "optimal" ? "proven_optimal" : "best_found_in_time";
  return { answer, choice: { kind } };
}

export function refusalOf(
  { name }: ModelSummary,
  answer: Exclude<Answer, { stages: unknown }>,
  { problem, brokenRules }: RoomProblem,
): Refusal {
  if (problem.members.length === 0) return { kind: "no_computing_member" };
  if (answer.kind === "unknown") return { kind: "unknown", model: name, cause: answer.cause };
  const { binds, shortBytes, remedies } = answer;
  return {
    kind: "infeasible",
    model: name,
    binds,
    shortBytes,
    remedies: [...remedies],
    brokenRules: [...brokenRules],
  };
}

/**
 * A lost placement whose model cannot be placed again: the first loss, and why. `error` is what the
 * attempt to place the model rejected with.
 */
export function notPlacedAgain(lost: PlacementFailure, error: unknown): PlacementFailure {
  const failure = roomFailureOf(error);
  const cause = failure.reason === "not_placed" ? failure : failureOf(error);
  const loss = lost.reason === "not_placed_again" ? lost.loss : lost;
  return { reason: "not_placed_again", loss, cause };
}

/** Resolves when the link of each ordered pair of computing members is measured or lost, or when time is up. */
export async function linksMeasured(
  state: () => RoomState,
  clock: Clock,
  timeoutMs: number,
): Promise<void> {
  const endMs = clock.nowMs() + timeoutMs;
  while (clock.nowMs() < endMs) {
    const members = state().members.filter(
      ({ adapter, measurements, use }) => adapter && measurements && use !== "exclude",
    );
    const known = state().links.length + state().lostLinks.length;
    if (known >= members.length * (members.length - 1)) return;
    await sleep(clock, Math.min(50, timeoutMs));
  }
}
