/**
 * What happens to this tab's generations, one queue each: tokens and failures from
 * the stages, starts and ends from the room's log.
 */
import {
  GenerationId,
  type RecoveryProgress,
  type RoomFailure,
  roomFailureOf,
  type TokenEvent,
} from "../../shared/index.ts";
import type { RoomCommand } from "../membership/messages.ts";
import { isEvent, type RoomAccess } from "../membership/room-access.ts";
import { PushQueue } from "./push-queue.ts";

export type Signal =
  | { readonly kind: "queued" | "started"; readonly generation: GenerationId }
  | { readonly kind: "recovering"; readonly progress: RecoveryProgress }
  | { readonly kind: "token"; readonly event: TokenEvent }
  | {
      readonly kind: "stage_failed";
      readonly generation: GenerationId;
      readonly failure: RoomFailure;
    }
  /** The placement is gone: the answer can continue under the next one. */
  | { readonly kind: "interrupted"; readonly failure: RoomFailure }
  /** The coordinator ended it; asking again would not help. */
  | { readonly kind: "failed"; readonly failure: RoomFailure }
  | { readonly kind: "cancelled" };

type Turn = Extract<RoomCommand, { type: "request_generation" }>;

/** Of one request, by its key. */
type Opened = {
  /** As the room's log names it; null before it does. */
  generation: GenerationId | null;
  state: "requested" | "queued" | "started";
  readonly queue: PushQueue<Signal>;
};

/** `end` ends a generation that the room has for this tab and nobody here reads. */
export function generationSignals(room: RoomAccess, end: (generation: GenerationId) => void) {
  const opened = new Map<string, Opened>();

  const own = () => room.state.generations.filter(({ requester }) => requester === room.self);

  const push = (id: GenerationId, signal: Signal) => {
    for (const { generation, queue } of opened.values()) if (generation === id) queue.push(signal);
  };

  /** Takes the ids of generations from the room, and signals once that one runs. */
  const note = () => {
    for (const { id, key, status } of own()) {
      const each = opened.get(key);
      if (each === undefined) continue;
      each.generation = id;
      if (status !== "running" || each.state !== "queued") continue;
      each.state = "started";
      each.queue.push({ kind: "started", generation: id });
    }
  };

  /** After a snapshot or a new coordinator: it may have lost generations, or kept ended ones. */
  const reconcile = () => {
    if (room.connection === "lost") for (const { queue } of opened.values()) queue.end();
    if (room.connection !== "connected") return;
    const mine = own();
    for (const { generation, state, queue } of opened.values()) {
      if (state === "requested" || mine.some(({ id }) => id === generation)) continue;
      queue.push({ kind: "interrupted", failure: { reason: "generation_forgotten" } });
    }
    for (const { id, key } of mine) if (!opened.has(key)) end(id);
  };

  room.subscribe((change) => {
    if (isEvent(change, "generation_ended")) {
      const { generation, outcome, error } = change.event.event;
      const failure = error ?? { reason: "generation_forgotten" as const };
      push(generation, { kind: outcome === "interrupted" ? outcome : "failed", failure });
    } else if (change.event === null) reconcile();
    note();
  });

  return {
    push,
    /** Requests a generation. Its signals come to `queue` until `close` is called. */
    request(turn: Turn): { readonly queue: PushQueue<Signal>; readonly close: () => void } {
      const queue = new PushQueue<Signal>();
      const each: Opened = { generation: null, state: "requested", queue };
      opened.set(turn.key, each);
      room.dispatch(turn).then(
        (value) => {
          const generation = GenerationId.parse(value);
          if (opened.get(turn.key) !== each) return end(generation);
          each.generation = generation;
          each.state = "queued";
          queue.push({ kind: "queued", generation });
          note();
        },
        (error: unknown) => queue.push({ kind: "failed", failure: roomFailureOf(error) }),
      );
      return { queue, close: () => void opened.delete(turn.key) };
    },
  };
}
