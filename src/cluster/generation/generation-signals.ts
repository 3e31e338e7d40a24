/**
 * What happens to this tab's generations, one queue each: tokens and failures from
 * the stages, starts and ends from the room's log.
 */
import type {
  GenerationId,
  RecoveryProgress,
  RoomFailure,
  TokenEvent,
} from "../../shared/index.ts";
import { isEvent, type RoomAccess } from "../membership/room-access.ts";
import { PushQueue } from "./push-queue.ts";

export type Signal =
  | { readonly kind: "running" }
  | { readonly kind: "recovering"; readonly progress: RecoveryProgress }
  | { readonly kind: "token"; readonly event: TokenEvent }
  | { readonly kind: "stage_failed"; readonly failure: RoomFailure }
  /** The placement is gone: the answer can continue under the next one. */
  | { readonly kind: "interrupted"; readonly failure: RoomFailure }
  /** The coordinator ended it; asking again would not help. */
  | { readonly kind: "failed"; readonly failure: RoomFailure }
  | { readonly kind: "cancelled" };

/** At most so many ends are kept of generations that nobody here has opened. */
const MAX_EARLY = 64;

/** `endOrphan` ends a generation that the room still has for this tab and nobody here reads. */
export function generationSignals(room: RoomAccess, endOrphan: (generation: GenerationId) => void) {
  const queues = new Map<GenerationId, PushQueue<Signal>>();
  /** Those of them that know that they run. */
  const running = new Set<GenerationId>();
  /** Of requests whose result is on its way: what the room has under them is no orphan. */
  const requested = new Set<string>();
  /** The end of a generation can arrive before the answer to the request that names it. */
  const early = new Map<GenerationId, Signal>();

  const push = (id: GenerationId, signal: Signal) => queues.get(id)?.push(signal);

  const keepEarly = (id: GenerationId, signal: Signal) => {
    if (early.size >= MAX_EARLY) early.clear();
    early.set(id, signal);
  };

  /** Signals "running" once to each generation that the room runs. */
  const pushRunning = () => {
    for (const { id, status } of room.state.generations) {
      if (status !== "running" || running.has(id) || !queues.has(id)) continue;
      running.add(id);
      push(id, { kind: "running" });
    }
  };

  /** After a snapshot or a new coordinator: it may have lost generations, or kept ended ones. */
  const reconcile = () => {
    const { connection, state, self } = room;
    if (connection === "lost") for (const queue of queues.values()) queue.end();
    if (connection !== "connected") return;
    const mine = state.generations.filter(({ requester }) => requester === self);
    for (const id of queues.keys()) {
      if (mine.some((generation) => generation.id === id)) continue;
      push(id, { kind: "interrupted", failure: { reason: "generation_forgotten" } });
    }
    for (const { id, key } of mine) {
      if (!queues.has(id) && !requested.has(key)) endOrphan(id);
    }
  };

  room.subscribe((change) => {
    if (isEvent(change, "generation_ended")) {
      const { generation, outcome, error } = change.event.event;
      const failure = error ?? { reason: "generation_forgotten" as const };
      const signal = { kind: outcome === "interrupted" ? outcome : ("failed" as const), failure };
      if (queues.has(generation)) push(generation, signal);
      else keepEarly(generation, signal);
    } else if (change.event === null) reconcile();
    pushRunning();
  });

  return {
    push,
    pushRunning,
    /** Until the returned function is called, the room may have a generation of this key for this tab. */
    expect(key: string): () => void {
      requested.add(key);
      return () => void requested.delete(key);
    },
    /** From now on, signals of this generation are kept for the reader. */
    open(id: GenerationId): PushQueue<Signal> {
      const queue = new PushQueue<Signal>();
      queues.set(id, queue);
      const ended = early.get(id);
      if (ended) queue.push(ended);
      early.delete(id);
      return queue;
    },
    close(id: GenerationId): void {
      queues.delete(id);
      running.delete(id);
    },
  };
}
