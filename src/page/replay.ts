/** A saved log, stepped through: the room's state after any number of its events. */
import { apply, type IndexedEvent, type RoomLog, type RoomState } from "../shared/index.ts";

/** A state is kept for every so many events, so that a step back folds few of them. */
const CHECKPOINT_EVENTS = 256;

export class Replay {
  readonly #events: readonly IndexedEvent[];
  readonly #checkpoints: RoomState[];

  constructor({ base, events }: RoomLog) {
    this.#events = events;
    this.#checkpoints = [base];
  }

  /** Number of events. */
  get length(): number {
    return this.#events.length;
  }

  /** The last of the first `position` events; null before the first. */
  eventAt(position: number): IndexedEvent | null {
    return this.#events[position - 1] ?? null;
  }

  /** The state after the first `position` events. */
  stateAt(position: number): RoomState {
    const wanted = Math.floor(position / CHECKPOINT_EVENTS);
    for (let known = this.#checkpoints.length; known <= wanted; known++) {
      const start = (known - 1) * CHECKPOINT_EVENTS;
      this.#checkpoints.push(
        this.#events
          .slice(start, start + CHECKPOINT_EVENTS)
          .reduce(apply, this.#checkpoints[known - 1]!),
      );
    }
    return this.#events
      .slice(wanted * CHECKPOINT_EVENTS, position)
      .reduce(apply, this.#checkpoints[wanted]!);
  }
}
