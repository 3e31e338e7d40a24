/**
 * From a room and a model to stages: waits a little for links that are being
 * measured and asks the solver, guarded by its watchdog.
 */
import { isFound, type Answer, type AnswerStage } from "../placement/answer.ts";
import type { Problem } from "../placement/problem.ts";
import type { LeftOutByRule } from "../placement/room-problem.ts";
import { solveWithWatchdog } from "../placement/watchdog.ts";
import { MemberId } from "../shared/ids.ts";
import type { ModelSummary } from "../shared/model.ts";
import type { RoomState, Stage } from "../shared/state.ts";
import type { Planner, Timings } from "./parts.ts";
import { RoomError } from "./room-error.ts";
import { costOf, problemOf } from "./room-problem.ts";

export type PlacementParts = {
  readonly planner: Planner;
  readonly timings: Timings;
};

export type Decided = {
  readonly stages: Stage[];
  readonly predictedMs: number | null;
  /** How it was found, for people. */
  readonly reason: string;
};

export const NOBODY_COMPUTES =
  "No member of the room computes. Open the room's page in a tab whose browser offers WebGPU.";

/** Rejects with a `RoomError` "unavailable" that says what is short and what would help. */
export async function decidePlacement(
  state: () => RoomState,
  model: ModelSummary,
  parts: PlacementParts,
): Promise<Decided> {
  if (computing(state()).length === 0) {
    throw new RoomError("unavailable", NOBODY_COMPUTES);
  }
  await linksMeasured(state, parts.timings.linksMs);
  const { problem, broken } = problemOf(state(), model);
  const { answer, reason } = await solveGuarded(problem, parts);
  if (!isFound(answer)) throw new RoomError("unavailable", refusal(model, answer, broken));
  const { msPerToken } = costOf(problem, answer.stages);
  return { stages: stagesOf(answer.stages), predictedMs: msPerToken, reason };
}

/** The solver's answer, or the greedy one with the reason in words. Never rejects. */
export async function solveGuarded(
  problem: Problem,
  { planner, timings }: PlacementParts,
): Promise<{ readonly answer: Answer; readonly reason: string }> {
  const { answer, source, reason } = await solveWithWatchdog(
    problem,
    (asked, options) => planner.solve(asked, options),
    { deadlineMs: timings.solveMs, watchdogMs: timings.watchdogMs },
  );
  if (source === "greedy") {
    return { answer, reason: `A simple rule chose it, because ${reason ?? "the solver is away"}.` };
  }
  return {
    answer,
    reason:
      answer.kind === "optimal"
        ? "The solver chose it and proved that none is better."
        : "The solver chose it as the best found in time.",
  };
}

export function stagesOf(stages: readonly AnswerStage[]): Stage[] {
  return stages.map(({ member, first, end }) => ({ member: MemberId.parse(member), first, end }));
}

/** Why there is no placement, as a sentence that says what would help. */
export function refusal(
  model: ModelSummary,
  answer: Exclude<Answer, { stages: unknown }>,
  broken: readonly LeftOutByRule[],
): string {
  if (answer.kind === "unknown") return `${model.name} was not placed: ${answer.message}`;
  const short =
    answer.shortBytes > 0
      ? `${Math.ceil(answer.shortBytes).toLocaleString("en-US")} bytes short of memory`
      : `the constraint "${answer.binds}" cannot be met`;
  const help =
    answer.wouldHelp.length > 0 ? ` What would help: ${answer.wouldHelp.join("; ")}.` : "";
  const keptOut = broken
    .filter(({ hard }) => hard)
    .map(
      ({ member, constraint, reason }) => ` ${member} is kept out (${constraint}): it ${reason}.`,
    );
  return `${model.name} does not fit this room: ${short}.${help}${keptOut.join("")}`;
}

/** Resolves when each ordered pair of computing members has a link, or when time is up. */
export async function linksMeasured(state: () => RoomState, timeoutMs: number): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (performance.now() < endMs) {
    const members = computing(state());
    if (state().links.length >= members.length * (members.length - 1)) return;
    await new Promise((resolve) => setTimeout(resolve, Math.min(50, timeoutMs)));
  }
}

function computing(state: RoomState): RoomState["members"] {
  return state.members.filter(
    ({ adapter, measurements, use }) => adapter && measurements && use !== "exclude",
  );
}
