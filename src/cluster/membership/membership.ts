/**
 * This tab's membership of a room: its copy of the log, the connection to the
 * coordinator, and the coordinator itself if it is this tab. Knows nothing about
 * shards, answers, or pages.
 *
 * When the coordinator is gone, the members elect another (`recovery.ts`), which continues the log
 * in a later epoch. The placement stays, so that answers that do not need the lost member continue.
 *
 * Over 250 lines: every message and every loss of a connection changes the same few fields.
 */
import { z } from "zod";
import {
  createRoomSecret,
  emptyRoom,
  type IndexedEvent,
  type MemberId,
  nextRoomKey,
  type RoomCode,
  type RoomKey,
  type RoomNotice,
  type RoomState,
  type CloseFailure,
  type JoinRefusal,
  type RoomFailure,
  roomFailureOf,
  parseUntrusted,
} from "../../shared/index.ts";
import { Coordinator } from "../coordinator/coordinator.ts";
import { admissionRefusal } from "../coordinator/newcomer.ts";
import { EventLog } from "../log/event-log.ts";
import { ClusterMessage, parseCommand, post, type RoomCommand } from "./messages.ts";
import { DEFAULT_TIMINGS, type RoomParts, type SearchParts, type Timings } from "../parts.ts";
import { findRoom } from "./find-room.ts";
import { Leadership } from "./leadership.ts";
import { coordinatorRequests } from "./requests.ts";
import { whenConnected, type Connection, type RoomAccess, type RoomChange } from "./room-access.ts";

/** After these, the tab looks for a coordinator, and `command` waits for it. */
const COORDINATOR_LOST: ReadonlySet<RoomFailure["reason"]> = new Set([
  "coordinator_lost",
  "coordinator_silent",
  "coordinator_stopped",
  "not_a_member",
]);

/** A stranger that tries codes for hours is reported once in this time. */
const GUESSING_NOTICE_MS = 10 * 60_000;

export class Membership implements RoomAccess {
  readonly self: MemberId;
  protected readonly parts: RoomParts & SearchParts;
  readonly #log: EventLog;
  /** It lacks events, and has asked for the state. */
  #asksForSnapshot = false;
  readonly #listeners = new Set<(change: RoomChange) => void>();
  readonly #requests: ReturnType<typeof coordinatorRequests>;
  readonly #unsubscribe: (() => void)[];
  readonly #leadership: Leadership;
  /** Peers whose connections to this tab ended within the last `rejoinMs`, and when. */
  readonly #ended = new Map<MemberId, { readonly cause: CloseFailure; readonly atMs: number }>();
  #connection: Connection = "reconnecting";
  #guessNoticedMs = -Infinity;
  /** Tells the server of the room's next key. Set while this tab answers the room's HTTP requests. */
  announceKey: ((key: RoomKey) => Promise<void>) | null = null;

  constructor(given: RoomParts, room: RoomCode) {
    const { random = Math.random } = given;
    const timings: Timings = { ...DEFAULT_TIMINGS, ...given.timings };
    this.self = given.profile.id;
    const parts = { ...given, self: this.self, random, timings };
    this.parts = parts;
    this.#log = new EventLog({
      ...emptyRoom(room, this.self),
      epoch: parts.lastKnown.epoch + 1,
      admits: parts.lastKnown.admits,
    });
    this.#requests = coordinatorRequests(parts.transport, parts.clock, timings.answerMs);
    this.#leadership = new Leadership({
      ...parts,
      room: this,
      setConnection: (connection) => this.#setConnection(connection),
      join: (peer) => this.#join(peer),
      coordinate: (epoch, ownsModel) => this.#coordinate(epoch, ownsModel),
    });
    const { events } = parts.transport;
    this.#unsubscribe = [
      events.onMessage((peer, message) => this.#receive(peer, message)),
      events.onRefuse((_peer, cause) => this.#callerRefused(cause)),
      events.onDisconnect((peer, cause) => this.#peerGone(peer, cause)),
    ];
  }

  get state(): RoomState {
    return this.#log.state;
  }

  /** Since the last snapshot: to replay, to save, to send as server-sent events. */
  get log(): EventLog {
    return this.#log;
  }

  get connection(): Connection {
    return this.#connection;
  }

  /** The room's secret, and how the room came to it. A tab has one as long as it is in the room. */
  get key(): RoomKey {
    const { key } = this.parts.admission;
    if (key === null) throw new Error("a tab in a room without the room's secret");
    return key;
  }

  /** Whether this tab is the coordinator, which also answers the room's HTTP requests. */
  get coordinates(): boolean {
    return this.#leadership.coordinator !== null;
  }

  /** Calls `listener` after each event, snapshot, and change of the connection. Returns a function that ends this. */
  subscribe(listener: (change: RoomChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Tells the people at this tab what no change of the state says. */
  notify(notice: RoomNotice): void {
    this.#changed(null, notice);
  }

  /** Sends a command to the coordinator. Resolves with an id or null; rejects with a `RoomError`. */
  async dispatch(command: RoomCommand): Promise<number | null> {
    const parsed = parseCommand(command); // like a command of another tab
    for (;;) {
      await whenConnected(this);
      try {
        const { coordinator } = this.#leadership;
        return await (coordinator
          ? coordinator.execute(this.self, parsed)
          : this.#requests.command(this.state.coordinator, parsed));
      } catch (error) {
        if (!COORDINATOR_LOST.has(roomFailureOf(error).reason)) throw error;
      }
    }
  }

  /** The server refuses this coordinator's claim for one of a later term; `isHeld` if that one is connected. */
  outranked(epoch: number, by: MemberId, isHeld: boolean): void {
    this.#leadership.outranked(epoch, by, isHeld);
  }

  leave(): void {
    if (this.#connection === "lost") return;
    const isMember = this.#connection === "connected";
    const receivers =
      this.#leadership.coordinator?.followers ?? (isMember ? [this.state.coordinator] : []);
    for (const peer of receivers) post(this.parts.transport, peer, { type: "leave" });
    this.#shut();
  }

  #shut(): void {
    this.#connection = "lost";
    this.#leadership.stop();
    this.parts.admission.refuseCodes = null;
    this.parts.registry.release();
    this.#requests.close();
    for (const off of this.#unsubscribe) off();
    this.#changed(null);
    this.#listeners.clear();
  }

  /**
   * Joins the room, or opens it if no one holds it, unless it `mustExist`. Rejects with a `RoomError`; then
   * the caller leaves.
   */
  find(mustExist: boolean): Promise<void> {
    return findRoom({
      ...this.parts,
      room: this.state.room,
      mustExist,
      join: (holder) => this.#join(holder).then(() => this.#setConnection("connected")),
      coordinate: () => this.#leadership.lead(this.state.epoch, true),
    });
  }

  /** Introduces itself with what the room knows of it by now, so that a new coordinator knows it too. */
  #join(peer: MemberId): Promise<void> {
    const known = () => this.state.members.find(({ id }) => id === this.self);
    return this.#requests.join(peer, this.state.room, () => known() ?? this.parts.profile);
  }

  /** Opens the room, or continues its log in an epoch above `epoch`. */
  #coordinate(epoch: number, ownsModel: boolean): Coordinator {
    const { admission, profile } = this.parts;
    const isNew = this.state.members.length === 0;
    admission.key ??= { secret: createRoomSecret(), succession: [] };
    admission.refuseCodes = () => admissionRefusal(this.state, "code", null);
    const coordinator = new Coordinator({
      ...this.parts,
      log: this.#log,
      key: () => this.key,
      nextKey: async () => {
        const next = nextRoomKey(this.state.room, this.key);
        await this.announceKey?.(next);
        return next;
      },
      keepKey: (next) => this.#keepKey(next),
      onEvent: (event) => this.#applied(event),
    });
    if (isNew) coordinator.open(profile);
    else coordinator.takeOver(epoch, ownsModel, profile, this.#lost());
    return coordinator;
  }

  /** Members that were connected to this tab when their coordinator was lost, and are not any more. */
  #lost(): Map<MemberId, CloseFailure> {
    const { transport, clock, timings } = this.parts;
    const sinceMs = clock.nowMs() - timings.rejoinMs;
    const connected = transport.connectedPeers();
    return new Map(
      [...this.#ended]
        .filter(([peer, { atMs }]) => atMs >= sinceMs && !connected.includes(peer))
        .map(([peer, { cause }]) => [peer, cause]),
    );
  }

  #receive(peer: MemberId, raw: unknown): void {
    const parsed = parseUntrusted(ClusterMessage, raw);
    if (!parsed.success) return this.#takeInvalid(peer, raw);
    const message = parsed.data;
    if (message.type === "standing") return this.#leadership.take(peer, message);
    const isOfCoordinator = message.type === "events" || message.type === "snapshot";
    const { coordinator } = this.#leadership;
    if (coordinator) {
      if (isOfCoordinator) return this.#leadership.tell(peer, true);
      return coordinator.handle(peer, message);
    }
    if (message.type === "join") {
      return this.#refuse(peer, { reason: "not_coordinator", member: this.self });
    }
    if (peer === this.#requests.joins) return this.#takeAdmission(message);
    if (peer === this.state.coordinator) return this.#follow(message);
    // It does not know that it no longer coordinates, or that this tab does not.
    if (isOfCoordinator || message.type === "command") this.#leadership.tell(peer, false);
  }

  /** Tabs in a room have one version, so the peer does not run this code. */
  #takeInvalid(peer: MemberId, raw: unknown): void {
    const refusal = { reason: "invalid_join_message", peer } as const;
    if (peer === this.#requests.joins) return this.#requests.joined(refusal);
    const isJoin = z.object({ type: z.literal("join") }).safeParse(raw).success;
    if (!isJoin) return this.parts.transport.disconnect(peer);
    this.#refuse(peer, refusal);
    this.notify({ kind: "newcomer_refused", refusal });
  }

  /** People in the room can help a tab of another version, and stop a stranger. */
  #callerRefused(refusal: CloseFailure): void {
    const isGuess = refusal.reason === "too_many_guesses";
    if (!isGuess && refusal.reason !== "version_mismatch") return;
    const nowMs = this.parts.clock.nowMs();
    if (isGuess && nowMs - this.#guessNoticedMs < GUESSING_NOTICE_MS) return;
    if (isGuess) this.#guessNoticedMs = nowMs;
    this.notify({ kind: "newcomer_refused", refusal });
  }

  #refuse(peer: MemberId, refusal: JoinRefusal): void {
    post(this.parts.transport, peer, { type: "refused", refusal });
  }

  #takeAdmission(message: ClusterMessage): void {
    if (message.type === "refused") this.#requests.joined(message.refusal);
    if (message.type !== "welcome") return;
    this.parts.admission.key = message.key;
    this.#reset(message.state);
    this.#requests.joined(null);
  }

  #follow(message: ClusterMessage): void {
    switch (message.type) {
      case "events":
        return this.#take(message.events);
      case "snapshot":
        this.#reset(message.state);
        return this.#changed(null);
      case "key_changed":
        return this.#keepKey(message.key);
      case "result":
        this.#requests.settle(message.id, message);
        // The coordinator took this tab for lost.
        return message.error?.reason === "not_a_member"
          ? this.#leadership.recover(null)
          : undefined;
      case "leave":
        return this.#connection === "connected"
          ? this.#leadership.recover(this.state.coordinator)
          : undefined;
      default:
        return;
    }
  }

  #take(events: readonly IndexedEvent[]): void {
    for (const event of events) {
      const received = this.#log.receive(event);
      if (received === "applied") this.#applied(event);
      if (received === "gap") return this.#requestSnapshot();
    }
    this.#asksForSnapshot = false;
  }

  #requestSnapshot(): void {
    if (this.#asksForSnapshot) return;
    this.#asksForSnapshot = true;
    post(this.parts.transport, this.state.coordinator, { type: "events_missing" });
  }

  #reset(snapshot: RoomState): void {
    this.#log.reset(snapshot);
    this.#asksForSnapshot = false;
  }

  /** Who is connected without being a member may have proved the earlier secret. */
  #keepKey(key: RoomKey): void {
    const { admission, transport } = this.parts;
    admission.key = key;
    const members = new Set(this.state.members.map(({ id }) => id));
    for (const peer of transport.connectedPeers())
      if (!members.has(peer)) transport.disconnect(peer);
    this.#changed(null);
  }

  #peerGone(peer: MemberId, cause: CloseFailure): void {
    const { clock, timings } = this.parts;
    const atMs = clock.nowMs();
    for (const [earlier, ended] of this.#ended)
      if (ended.atMs < atMs - timings.rejoinMs) this.#ended.delete(earlier);
    this.#ended.set(peer, { cause, atMs });
    const { coordinator } = this.#leadership;
    if (coordinator) return this.#leadership.memberGone(coordinator, peer, cause);
    if (peer === this.#requests.joins) return this.#requests.joined({ reason: "coordinator_lost" });
    if (peer !== this.state.coordinator || this.#connection !== "connected") return;
    this.#leadership.recover(null, [], peer);
  }

  #setConnection(connection: Connection): void {
    if (this.#connection === "lost") return;
    if (connection === "lost") return this.#shut();
    this.#connection = connection;
    if (connection === "reconnecting") {
      this.parts.admission.refuseCodes = null;
      this.#requests.failAll({ reason: "coordinator_lost" });
    }
    this.#changed(null);
  }

  #applied(event: IndexedEvent): void {
    this.#changed(event);
    const { type } = event.event;
    if (type !== "member_left" || event.event.reason.reason !== "removed") return;
    const { member } = event.event;
    if (member === this.self) this.#shut();
    // Later, so that the event reaches it over this connection.
    else queueMicrotask(() => this.parts.transport.disconnect(member));
  }

  #changed(event: IndexedEvent | null, notice: RoomNotice | null = null): void {
    for (const listener of [...this.#listeners]) listener({ event, notice });
  }
}
