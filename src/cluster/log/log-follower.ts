/** A member's side of the log: applies the coordinator's events, and requests missing ones once. */
import type { IndexedEvent, RoomState } from "../../shared/index.ts";
import type { EventLog } from "./event-log.ts";

export type LogFollowerParts = {
  readonly log: EventLog;
  readonly onApplied: (event: IndexedEvent) => void;
  /** Asks the coordinator for the events from `index` on, or for a snapshot. */
  readonly requestEvents: (epoch: number, index: number) => void;
};

export class LogFollower {
  readonly #parts: LogFollowerParts;
  #requested = false;

  constructor(parts: LogFollowerParts) {
    this.#parts = parts;
  }

  take(events: readonly IndexedEvent[]): void {
    const { log, onApplied } = this.#parts;
    for (const indexed of events) {
      const received = log.receive(indexed);
      if (received === "applied") onApplied(indexed);
      if (received === "gap") return this.#request();
    }
    this.#requested = false;
  }

  /** Starts again from a snapshot of the coordinator. */
  reset(snapshot: RoomState): void {
    this.#parts.log.reset(snapshot);
    this.#requested = false;
  }

  #request(): void {
    if (this.#requested) return;
    this.#requested = true;
    const { epoch, nextIndex } = this.#parts.log.state;
    this.#parts.requestEvents(epoch, nextIndex);
  }
}
