/**
 * Asks the coordinator for a turn of an answer. A request that was in transit when the coordinator
 * changed is repeated with the same key, so that no coordinator queues it twice.
 */
import { GenerationId, roomFailureOf, type RoomFailure } from "../../shared/index.ts";
import type { RoomCommand } from "../membership/messages.ts";
import type { RoomAccess } from "../membership/room-access.ts";
import type { AnswerRun } from "./answer-run.ts";

export type Turn = Extract<RoomCommand, { type: "request_generation" }>;

/** After these, the tab looks for a coordinator, and `command` waits for it. */
const COORDINATOR_LOST: ReadonlySet<RoomFailure["reason"]> = new Set([
  "coordinator_lost",
  "coordinator_silent",
  "coordinator_stopped",
  "not_a_member",
]);

/** The request for one attempt of an answer; attempts after the first continue it. */
export function turnOf(run: AnswerRun, attempt: number): Turn {
  const wanted = (run.request.maxTokens ?? run.model.contextTokens) - run.answerTokens;
  return {
    type: "request_generation",
    key: `${run.key}.${attempt}`,
    continues: attempt > 0,
    promptTokens: run.tokens.length,
    maxTokens: Math.max(1, wanted),
  };
}

/**
 * Null if the answer was cancelled first; `onLate` then gets the generation that was queued
 * nevertheless. Rejects with a `RoomError`.
 */
export async function requestTurn(
  room: Pick<RoomAccess, "command">,
  turn: Turn,
  signal: AbortSignal | undefined,
  onLate: (generation: GenerationId) => void,
): Promise<GenerationId | null> {
  const { promise: aborted, end } = whenAborted(signal);
  try {
    while (signal?.aborted !== true) {
      const queued = room.command(turn).then((id) => GenerationId.parse(id));
      try {
        const id = await Promise.race([queued, aborted]);
        if (id === null) void queued.then(onLate).catch(() => undefined); // it was never queued
        return id;
      } catch (error) {
        if (!COORDINATOR_LOST.has(roomFailureOf(error).reason)) throw error;
      }
    }
    return null;
  } finally {
    end();
  }
}

/** 64 random bits. */
export function randomKey(random: () => number): string {
  const part = () => Math.floor(random() * 2 ** 32).toString(16);
  return `${part()}-${part()}`;
}

/** `promise` resolves with null once the signal aborts; `end` forgets it. */
function whenAborted(signal: AbortSignal | undefined) {
  let onAbort = () => undefined as void;
  const promise = new Promise<null>((resolve) => (onAbort = () => resolve(null)));
  signal?.addEventListener("abort", onAbort);
  return { promise, end: () => signal?.removeEventListener("abort", onAbort) };
}
