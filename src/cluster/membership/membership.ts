/**
 * This tab's seat in a room: its copy of the log, the way to the coordinator,
 * and the role of coordinator when it falls to this tab. Knows nothing of
 * shards, answers or pages.
 *
 * When the coordinator is gone, the members race for the door; the winner
 * continues the log with the next epoch, the others join it. Who held which
 * layers stays as it was, so answers that do not need the lost member go on.
 */
import {
  emptyRoom,
  type IndexedEvent,
  type RoomEvent,
  type MemberId,
  type RoomCode,
  type Member,
  type RoomState,
  failureOf,
  type CloseFailure,
  RoomError,
} from "../../shared/index.ts";
import { Coordinator } from "../coordinator/coordinator.ts";
import { EventLog } from "../log/event-log.ts";
import { CLUSTER_VERSION, ClusterMessage, type RoomCommand } from "./messages.ts";
import { DEFAULT_TIMINGS, type RoomParts, type Timings } from "../parts.ts";
import { post } from "./peer-outbox.ts";
import { PendingAnswers } from "./pending-answers.ts";

export type Connection = "connected" | "reconnecting" | "lost";

/** `event` is null when the state was replaced by a snapshot, or only the connection changed. */
export type RoomChange = { readonly event: IndexedEvent | null };

/** What the members' duties see of the room. */
export type RoomAccess = {
  readonly self: MemberId;
  readonly state: RoomState;
  readonly connection: Connection;
  subscribe(listener: (change: RoomChange) => void): () => void;
  /** Asks the coordinator; waits for one when there is none just now. Rejects with a `RoomError`. */
  command(command: RoomCommand): Promise<number | null>;
};

export type EnterOptions = {
  readonly room: RoomCode;
  /** Reject with "not_found" when nobody is in the room, instead of opening it. */
  readonly mustExist?: boolean;
};

type Parts = Pick<
  RoomParts,
  "transport" | "registry" | "planner" | "profile" | "timings" | "nowMs"
>;

export class Membership implements RoomAccess {
  readonly self: MemberId;
  readonly timings: Timings;
  readonly #parts: Parts;
  readonly #room: RoomCode;
  readonly #log: EventLog;
  readonly #listeners = new Set<(change: RoomChange) => void>();
  readonly #answers = new PendingAnswers();
  readonly #unsubscribe: (() => void)[];
  #coordinator: Coordinator | null = null;
  #connection: Connection = "reconnecting";
  #awaitsEvents = false;
  #joining: MemberId | null = null;
  #settleJoin: ((error: RoomError | null) => void) | null = null;
  #closed = false;

  /** Joins the room, or opens it when nobody holds it. Rejects with a `RoomError`. */
  static async enter(parts: Parts, options: EnterOptions): Promise<Membership> {
    const membership = new Membership(parts, options.room);
    try {
      await membership.#findRoom(options.mustExist ?? false);
    } catch (error) {
      membership.#shut();
      throw error;
    }
    return membership;
  }

  private constructor(parts: Parts, room: RoomCode) {
    this.#parts = parts;
    this.#room = room;
    this.self = parts.profile.id;
    this.timings = { ...DEFAULT_TIMINGS, ...parts.timings };
    this.#log = new EventLog(emptyRoom(room, this.self));
    const { events } = parts.transport;
    this.#unsubscribe = [
      events.onMessage((peer, message) => this.#receive(peer, message)),
      events.onDisconnect((peer, cause) => this.#peerGone(peer, cause)),
    ];
  }

  get state(): RoomState {
    return this.#log.state;
  }

  get log(): EventLog {
    return this.#log;
  }

  get connection(): Connection {
    return this.#connection;
  }

  get coordinates(): boolean {
    return this.#coordinator !== null;
  }

  subscribe(listener: (change: RoomChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async command(command: RoomCommand): Promise<number | null> {
    await this.#connected();
    if (this.#coordinator) return this.#coordinator.execute(this.self, command);
    const { coordinator } = this.state;
    const answer = this.#answers.open(this.timings.answerMs);
    post(this.#parts.transport, coordinator, { type: "command", id: answer.id, command });
    try {
      return await answer.value;
    } catch (error) {
      // No answer at all is the sign of a coordinator that hangs or is cut off.
      if (answer.timedOut()) this.#parts.transport.disconnect(coordinator);
      throw error;
    }
  }

  leave(): void {
    if (this.#closed) return;
    if (!this.#coordinator && this.#connection === "connected") {
      post(this.#parts.transport, this.state.coordinator, { type: "leave" });
    }
    this.#shut();
  }

  #shut(): void {
    this.#closed = true;
    this.#connection = "lost";
    this.#coordinator?.stop();
    this.#parts.registry.release();
    this.#answers.failAll({ reason: "tab_left" });
    this.#settleJoin?.(new RoomError({ reason: "tab_left" }));
    for (const off of this.#unsubscribe) off();
    this.#notify(null);
    this.#listeners.clear();
  }

  /** Finds the coordinator and joins it, or becomes it; tries until `recoveryMs` are over. */
  async #findRoom(mustExist: boolean): Promise<void> {
    const { registry, nowMs } = this.#parts;
    const endMs = nowMs() + this.timings.recoveryMs;
    let lastError: unknown = null;
    while (!this.#closed) {
      try {
        // Claim first: looking up a room that no one holds takes seconds to fail.
        if (!mustExist && (await registry.claim())) {
          if (!this.#closed) return this.#coordinate();
          registry.release();
        }
        const holder = await registry.lookUp();
        if (this.#closed) break;
        if (holder !== null && holder !== this.self) return await this.#join(holder);
        if (mustExist && holder === null) {
          throw new RoomError({ reason: "room_not_found", code: this.#room });
        }
      } catch (error) {
        if (error instanceof RoomError && error.code !== "unavailable") throw error;
        lastError = error;
      }
      if (nowMs() > endMs) break;
      // Random waits, so that members do not try at the same time again.
      await sleep(this.timings.retryMs * (0.5 + Math.random()));
    }
    throw new RoomError({
      reason: "room_not_reached",
      room: this.#room,
      cause: lastError === null ? null : failureOf(lastError),
    });
  }

  async #join(holder: MemberId): Promise<void> {
    const { transport } = this.#parts;
    await transport.connect(holder, this.timings.answerMs);
    if (this.#closed) throw new RoomError({ reason: "tab_left" });
    this.#joining = holder;
    const settled = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => this.#settleJoin?.(new RoomError({ reason: "coordinator_silent" })),
        this.timings.answerMs,
      );
      this.#settleJoin = (error) => {
        clearTimeout(timer);
        this.#joining = null;
        this.#settleJoin = null;
        if (error) reject(error);
        else resolve();
      };
    });
    post(transport, holder, {
      type: "join",
      version: CLUSTER_VERSION,
      room: this.#room,
      member: this.#introduction(),
    });
    await settled;
    this.#setConnection("connected");
  }

  /** The profile with what the room learnt since, so that a new coordinator knows it too. */
  #introduction(): Member {
    const known = this.state.members.find(({ id }) => id === this.self);
    return known ?? this.#parts.profile;
  }

  #coordinate(): void {
    const isNew = this.state.members.length === 0;
    this.#coordinator = new Coordinator({
      log: this.#log,
      self: this.self,
      post: (peer, message) => post(this.#parts.transport, peer, message),
      placement: { planner: this.#parts.planner, timings: this.timings },
      timings: this.timings,
      onEvent: (event) => this.#notify(event),
    });
    if (isNew) this.#coordinator.open(this.#parts.profile);
    else this.#coordinator.takeOver();
    this.#setConnection("connected");
  }

  #receive(peer: MemberId, raw: unknown): void {
    const parsed = ClusterMessage.safeParse(raw);
    // Other rooms of the code talk on the same connection; what is not ours is theirs.
    if (!parsed.success) return;
    const message = parsed.data;
    if (this.#coordinator) return this.#coordinator.handle(peer, message);
    if (message.type === "join") {
      return post(this.#parts.transport, peer, {
        type: "refused",
        refusal: { reason: "not_coordinator", member: this.self },
      });
    }
    if (peer === this.#joining) return this.#takeJoinAnswer(message);
    if (peer === this.state.coordinator) this.#follow(message);
  }

  #takeJoinAnswer(message: ClusterMessage): void {
    if (message.type === "refused") {
      this.#settleJoin?.(new RoomError(message.refusal));
    } else if (message.type === "welcome") {
      this.#log.reset(message.state);
      this.#awaitsEvents = false;
      this.#settleJoin?.(null);
    }
  }

  #follow(message: ClusterMessage): void {
    switch (message.type) {
      case "events":
        return this.#takeEvents(message.events);
      case "snapshot":
        this.#log.reset(message.state);
        this.#awaitsEvents = false;
        return this.#notify(null);
      case "result":
        return this.#answers.settle(message);
      default:
        return;
    }
  }

  #takeEvents(events: readonly IndexedEvent[]): void {
    for (const indexed of events) {
      const received = this.#log.receive(indexed);
      if (received === "applied") this.#notify(indexed);
      if (received !== "gap") continue;
      this.#askForMissing();
      return;
    }
    this.#awaitsEvents = false;
  }

  #askForMissing(): void {
    if (this.#awaitsEvents) return;
    this.#awaitsEvents = true;
    const { epoch, nextIndex, coordinator } = this.state;
    post(this.#parts.transport, coordinator, { type: "events_after", epoch, index: nextIndex });
  }

  #peerGone(peer: MemberId, cause: CloseFailure): void {
    if (this.#closed) return;
    if (this.#coordinator) {
      return this.#coordinator.peerGone(peer, { reason: "connection_closed", cause });
    }
    if (peer === this.#joining) {
      return this.#settleJoin?.(new RoomError({ reason: "coordinator_lost" }));
    }
    if (peer !== this.state.coordinator || this.#connection !== "connected") return;
    this.#answers.failAll({ reason: "coordinator_lost" });
    this.#setConnection("reconnecting");
    this.#findRoom(false).catch(() => this.#setConnection("lost"));
  }

  async #connected(): Promise<void> {
    if (this.#connection === "reconnecting") {
      await new Promise<void>((resolve) => {
        const off = this.subscribe(() => {
          if (this.#connection === "reconnecting") return;
          off();
          resolve();
        });
      });
    }
    if (this.#connection === "lost") {
      throw new RoomError({ reason: "not_in_room" });
    }
  }

  #setConnection(connection: Connection): void {
    if (this.#closed) return;
    this.#connection = connection;
    this.#notify(null);
  }

  #notify(event: IndexedEvent | null): void {
    for (const listener of [...this.#listeners]) listener({ event });
  }
}

/** Whether a change is the given event, for listeners that wait for one. */
export function isEvent<T extends RoomEvent["type"]>(
  change: RoomChange,
  type: T,
): change is { event: IndexedEvent & { event: Extract<RoomEvent, { type: T }> } } {
  return change.event?.event.type === type;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
