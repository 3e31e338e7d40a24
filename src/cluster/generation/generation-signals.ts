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

export class GenerationSignals {
  readonly #room: RoomAccess;
  readonly #endOrphan: (generation: GenerationId) => void;
  readonly #queues = new Map<GenerationId, PushQueue<Signal>>();
  /** Those of them that know that they run. */
  readonly #running = new Set<GenerationId>();
  /** Of requests whose result is on its way: what the room has under them is no orphan. */
  readonly #requested = new Set<string>();
  /** The end of a generation can arrive before the answer to the request that names it. */
  readonly #early = new Map<GenerationId, Signal>();

  /** `endOrphan` ends a generation that the room still has for this tab and nobody here reads. */
  constructor(room: RoomAccess, endOrphan: (generation: GenerationId) => void) {
    this.#room = room;
    this.#endOrphan = endOrphan;
    room.subscribe((change) => {
      if (isEvent(change, "generation_ended")) {
        const { generation, outcome, error } = change.event.event;
        const failure = error ?? { reason: "generation_forgotten" as const };
        const signal = { kind: outcome === "interrupted" ? outcome : ("failed" as const), failure };
        if (this.#queues.has(generation)) this.push(generation, signal);
        else this.#keepEarly(generation, signal);
      } else if (change.event === null) this.#reconcile();
      this.pushRunning();
    });
  }

  /** Until the returned function is called, the room may have a generation of this key for this tab. */
  expect(key: string): () => void {
    this.#requested.add(key);
    return () => void this.#requested.delete(key);
  }

  /** From now on, signals of this generation are kept for the reader. */
  open(id: GenerationId): PushQueue<Signal> {
    const queue = new PushQueue<Signal>();
    this.#queues.set(id, queue);
    const early = this.#early.get(id);
    if (early) queue.push(early);
    this.#early.delete(id);
    return queue;
  }

  close(id: GenerationId): void {
    this.#queues.delete(id);
    this.#running.delete(id);
  }

  push(id: GenerationId, signal: Signal): void {
    this.#queues.get(id)?.push(signal);
  }

  /** Signals "running" once to each generation that the room runs. */
  pushRunning(): void {
    for (const { id, status } of this.#room.state.generations) {
      if (status !== "running" || this.#running.has(id) || !this.#queues.has(id)) continue;
      this.#running.add(id);
      this.push(id, { kind: "running" });
    }
  }

  /** After a snapshot or a new coordinator: it may have lost generations, or kept ended ones. */
  #reconcile(): void {
    const { connection, state, self } = this.#room;
    if (connection === "lost") {
      for (const queue of this.#queues.values()) queue.end();
      return;
    }
    if (connection !== "connected") return;
    const mine = state.generations.filter(({ requester }) => requester === self);
    for (const id of this.#queues.keys()) {
      if (mine.some((generation) => generation.id === id)) continue;
      this.push(id, { kind: "interrupted", failure: { reason: "generation_forgotten" } });
    }
    for (const { id, key } of mine) {
      if (!this.#queues.has(id) && !this.#requested.has(key)) this.#endOrphan(id);
    }
  }

  #keepEarly(generation: GenerationId, signal: Signal): void {
    if (this.#early.size >= MAX_EARLY) this.#early.clear();
    this.#early.set(generation, signal);
  }
}
