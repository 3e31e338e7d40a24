/**
 * Virtual time: a queue of events, each run to its end before the next, in an order that
 * depends on nothing but the seed. Knows no rooms.
 *
 * An event may belong to an actor. While an actor is frozen its events wait; once it is
 * dead they are dropped.
 */
import type { Clock } from "../../src/shared/index.ts";

export type Actor = {
  state: "running" | "frozen" | "dead";
  /** Events that came while it was frozen. */
  readonly backlog: (() => void)[];
  /** Pending timers of its clock. */
  timers: number;
};

export function newActor(): Actor {
  return { state: "running", backlog: [], timers: 0 };
}

/** A message that arrives. Those of one channel arrive in order; channels overtake each other. */
export type Delivery = { readonly actor: Actor; readonly channel: object };

type Event = {
  readonly atMs: number;
  readonly order: number;
  act: (() => void) | null;
  readonly delivery: Delivery | null;
};

/** A message may overtake another one that would arrive at the same actor at most this much earlier. */
const OVERTAKE_MS = 20;

export class World {
  readonly random: () => number;
  /** What an event throws is an uncaught exception of its tab. */
  onError: (error: unknown) => void = (error) => {
    throw error;
  };
  #nowMs = 0;
  #order = 0;
  /** A binary heap by time, then by order. */
  readonly #heap: Event[] = [];
  /**
   * Called for each delivery with the number of messages that may arrive before it. Chooses one of them,
   * from 1, or 0 for the delivery itself.
   */
  chooser: ((alternatives: number) => number) | null = null;

  constructor(seed: number) {
    this.random = randomNumbers(seed);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Calls `act` after `delayMs`. Returns a function that cancels it. */
  after(delayMs: number, act: () => void, delivery: Delivery | null = null): () => void {
    const atMs = this.#nowMs + Math.max(0, delayMs);
    const event: Event = { atMs, order: this.#order++, act, delivery };
    this.#push(event);
    return () => void (event.act = null);
  }

  /** Runs `act` as `actor`: later if it is frozen, never if it is dead. */
  deliver(actor: Actor, act: () => void): void {
    if (actor.state === "frozen") actor.backlog.push(act);
    else if (actor.state === "running") act();
  }

  thaw(actor: Actor): void {
    if (actor.state !== "frozen") return;
    actor.state = "running";
    for (const act of actor.backlog.splice(0)) this.after(0, () => this.deliver(actor, act));
  }

  /** A clock that runs at `rate` and does not start at zero. */
  clockOf(actor: Actor, rate: number, offsetMs: number): Clock {
    return {
      nowMs: () => offsetMs + rate * this.#nowMs,
      after: (delayMs, act) => {
        let waits = true;
        actor.timers += 1;
        const end = () => {
          if (!waits) return;
          waits = false;
          actor.timers -= 1;
        };
        const cancel = this.after(delayMs / rate, () =>
          this.deliver(actor, () => {
            if (!waits) return;
            end();
            act();
          }),
        );
        return () => {
          end();
          cancel();
        };
      },
    };
  }

  /** Runs events until `isOver`, or until `endMs`. */
  async run(endMs: number, isOver: () => boolean = () => false): Promise<void> {
    while (!isOver()) {
      const event = this.#pop();
      if (event === undefined || event.atMs > endMs) {
        if (event) this.#push(event);
        this.#nowMs = endMs;
        return;
      }
      if (event.act === null) continue;
      this.#nowMs = event.atMs;
      const act = event.delivery && this.chooser ? this.#choose(event) : event.act;
      try {
        act?.();
      } catch (error) {
        this.onError(error);
      }
      // All promises that this event settled continue before the next event.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  #choose(event: Event): (() => void) | null {
    const channels = new Map<object, Event>();
    for (const other of this.#heap) {
      const { delivery, act, atMs } = other;
      if (act === null || delivery === null || delivery.actor !== event.delivery!.actor) continue;
      if (delivery.channel === event.delivery!.channel || atMs > event.atMs + OVERTAKE_MS) continue;
      const first = channels.get(delivery.channel);
      if (first === undefined || isBefore(other, first)) channels.set(delivery.channel, other);
    }
    const alternatives = [...channels.values()].sort((a, b) => (isBefore(a, b) ? -1 : 1));
    const choice = this.chooser!(alternatives.length);
    const chosen = alternatives[choice - 1];
    if (chosen === undefined) return event.act;
    const { act } = chosen;
    chosen.act = null;
    this.#push(event);
    return act;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(left: Event, right: Event): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}

/** Uniform in [0, 1): mulberry32 by Tommy Ettinger, public domain. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
