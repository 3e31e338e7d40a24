/**
 * From a room and a model to stages: waits a little for links that are being
 * measured and asks the solver, guarded by its watchdog.
 */
import { type Answer, type Problem, isFound, solveWithWatchdog } from "../../placement/index.ts";
import {
  type Clock,
  failureOf,
  type ModelSummary,
  type BrokenRule,
  type Choice,
  type PlacementFailure,
  type Refusal,
  RoomError,
  roomFailureOf,
  type RoomState,
  sleep,
} from "../../shared/index.ts";
import type { CoordinatorParts } from "../parts.ts";
import { predicted, problemOf } from "./room-problem.ts";

/** Rejects with a `RoomError` "not_placed". */
export async function decidePlacement(
  state: () => RoomState,
  model: ModelSummary,
  parts: Pick<CoordinatorParts, "clock" | "planner" | "timings">,
) {
  if (computing(state()).length === 0) {
    throw new RoomError({ reason: "not_placed", refusal: { kind: "no_computing_member" } });
  }
  await linksMeasured(state, parts.clock, parts.timings.linksMs);
  const { problem, brokenRules } = problemOf(state(), model);
  const { answer, choice } = await solveGuarded(problem, parts);
  if (!isFound(answer)) {
    const refusal = refusalOf(model, answer, brokenRules);
    throw new RoomError({ reason: "not_placed", refusal });
  }
  return { ...predicted(problem, answer.stages), choice };
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
  if (answer.kind === "infeasible" && problem.members.some(isLimited)) {
    const members = problem.members.map(({ maxLayers: _limit, ...member }) => member);
    return solveGuarded({ ...problem, members }, { planner, timings });
  }
  const kind = answer.kind === "optimal" ? "proven_optimal" : "best_found_in_time";
  return { answer, choice: { kind } };
}

function isLimited({ maxLayers }: Problem["members"][number]): boolean {
  return maxLayers !== undefined;
}

export function refusalOf(
  { name }: ModelSummary,
  answer: Exclude<Answer, { stages: unknown }>,
  brokenRules: readonly BrokenRule[],
): Refusal {
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
    const members = computing(state());
    const known = state().links.length + state().lostLinks.length;
    if (known >= members.length * (members.length - 1)) return;
    await sleep(clock, Math.min(50, timeoutMs));
  }
}

function computing(state: RoomState): RoomState["members"] {
  return state.members.filter(
    ({ adapter, measurements, use }) => adapter && measurements && use !== "exclude",
  );
}
