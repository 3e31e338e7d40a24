/**
 * From a room and a model to stages: waits a little for links that are being
 * measured, asks the solver, and falls back to the greedy answer when the solver
 * is late or broken.
 */
import { isFound, type Answer } from "../placement/answer.ts";
import type { Problem } from "../placement/problem.ts";
import { MemberId } from "../shared/ids.ts";
import type { ModelSummary } from "../shared/model.ts";
import type { RoomState, Stage } from "../shared/state.ts";
import type { Planner, Timings } from "./parts.ts";
import { RoomError } from "./room-error.ts";

export type PlacementParts = {
  readonly planner: Planner;
  readonly timings: Timings;
};

export type Decided = { readonly stages: Stage[]; readonly predictedMs: number };

export const NOBODY_COMPUTES =
  "No member of the room computes. Open the room's page in a tab whose browser offers WebGPU.";

/** Rejects with a `RoomError` "unavailable" that says what is short and what would help. */
export async function decidePlacement(
  state: () => RoomState,
  model: ModelSummary,
  { planner, timings }: PlacementParts,
): Promise<Decided> {
  if (computing(state()).length === 0) {
    throw new RoomError("unavailable", NOBODY_COMPUTES);
  }
  await linksMeasured(state, timings.linksMs);
  const problem = planner.problem(state(), model);
  const answer = await solved(problem, planner, timings);
  if (!isFound(answer)) throw new RoomError("unavailable", refusal(model, answer));
  const stages = answer.stages.map(({ member, first, end }) => ({
    member: MemberId.parse(member),
    first,
    end,
  }));
  return { stages, predictedMs: answer.costMs };
}

/** Why there is no placement, as a sentence that says what would help. */
export function refusal(model: ModelSummary, answer: Exclude<Answer, { stages: unknown }>): string {
  if (answer.kind === "unknown") return `${model.name} was not placed: ${answer.message}`;
  const short =
    answer.shortBytes > 0
      ? `${Math.ceil(answer.shortBytes).toLocaleString("en-US")} bytes short`
      : `the constraint "${answer.binds}" cannot be met`;
  const help =
    answer.wouldHelp.length > 0 ? ` What would help: ${answer.wouldHelp.join("; ")}.` : "";
  return `${model.name} does not fit this room: ${short}.${help}`;
}

async function solved(problem: Problem, planner: Planner, timings: Timings): Promise<Answer> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timings.watchdogMs);
  });
  try {
    const solving = planner.solve(problem, { deadlineMs: timings.solveMs });
    // A broken solver must not stop the room: the greedy answer stands in for it.
    const answer = await Promise.race([solving.catch(() => null), late]);
    return answer && answer.kind !== "unknown" ? answer : planner.greedy(problem);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when each ordered pair of computing members has a link, or when time is up. */
async function linksMeasured(state: () => RoomState, timeoutMs: number): Promise<void> {
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
