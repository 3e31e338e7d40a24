/**
 * A member's copy of the room's log: a snapshot, the events since then, and the state
 * that results. Knows no network: it reports a gap, and its owner requests a snapshot.
 */
import {
  apply,
  type IndexedEvent,
  MAX_FIELD_CHARACTERS,
  RoomError,
  RoomEvent,
  type RoomState,
} from "../../shared/index.ts";

/** Older events are folded into the snapshot. At 50 events per second: two minutes, about 2 MB. */
const MAX_KEPT_EVENTS = 6000;
/** Events folded at a time, so that not every event trims the log. */
const TRIM_STEP = 1000;

export type Received = "applied" | "old" | "gap";

export class EventLog {
  #base: RoomState;
  #events: IndexedEvent[] = [];
  #state: RoomState;
  readonly #maxEvents: number;

  constructor(snapshot: RoomState, maxEvents = MAX_KEPT_EVENTS) {
    this.#base = snapshot;
    this.#state = snapshot;
    this.#maxEvents = maxEvents;
  }

  get state(): RoomState {
    return this.#state;
  }

  /** The state before the kept events. */
  get base(): RoomState {
    return this.#base;
  }

  get events(): readonly IndexedEvent[] {
    return this.#events;
  }

  /**
   * For the coordinator: numbers an event and applies it; `coordinator_changed` opens a later epoch.
   * Throws a `RoomError` for an event that members would not parse: it would be a gap in their logs that
   * nothing fills.
   */
  append(event: RoomEvent, epoch = this.#state.epoch): IndexedEvent {
    const issue = RoomEvent.safeParse(event).error?.issues[0];
    if (issue !== undefined) {
      const field = issue.path.join(".").slice(0, MAX_FIELD_CHARACTERS);
      throw new RoomError({ reason: "event_invalid", event: event.type, field });
    }
    const indexed = { epoch, index: this.#state.nextIndex, event };
    this.#add(indexed);
    return indexed;
  }

  /** For a member: applies the next event, ignores one that it has, and reports a gap. */
  receive(indexed: IndexedEvent): Received {
    const { epoch, nextIndex } = this.#state;
    if (indexed.epoch < epoch) return "old";
    if (indexed.epoch === epoch && indexed.index < nextIndex) return "old";
    const opensEpoch = indexed.event.type === "coordinator_changed";
    const isInOrder = opensEpoch ? indexed.epoch > epoch : indexed.epoch === epoch;
    const follows = indexed.index === nextIndex && isInOrder;
    if (!follows) return "gap";
    this.#add(indexed);
    return "applied";
  }

  /** Starts again from a snapshot of the coordinator. */
  reset(snapshot: RoomState): void {
    this.#base = snapshot;
    this.#state = snapshot;
    this.#events = [];
  }

  #add(indexed: IndexedEvent): void {
    this.#state = apply(this.#state, indexed);
    this.#events.push(indexed);
    if (this.#events.length < this.#maxEvents + TRIM_STEP) return;
    const folded = this.#events.splice(0, this.#events.length - this.#maxEvents);
    this.#base = folded.reduce(apply, this.#base);
  }
}
