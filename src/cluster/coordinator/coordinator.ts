/**
 * The member that numbers events and decides placements: turns commands into events,
 * sends them to all members, and after each event takes the steps that the rules name.
 * It is not on the token path. Another member can become coordinator with the log alone.
 *
 * Over 250 lines: joining, commands, and rules end in the same appending and sending of events.
 */
import {
  type RoomEvent,
  type IndexedEvent,
  type MemberId,
  type Member,
  type RoomKey,
  type RoomState,
  RoomError,
  roomFailureOf,
  type LeaveReason,
  type CloseFailure,
} from "../../shared/index.ts";
import type { Transport } from "../../mesh/index.ts";
import type { CoordinatorParts } from "../parts.ts";
import { eventsOf, knownModel } from "./command-events.ts";
import type { EventLog } from "../log/event-log.ts";
import { LoadWatch } from "./load-watch.ts";
import { LapCorrections } from "../planning/lap-corrections.ts";
import { LinkDrift } from "../planning/link-drift.ts";
import {
  type ClusterMessage,
  parseCommand,
  post,
  type RoomCommand,
} from "../membership/messages.ts";
import { holdsModel, ownsModel } from "../membership/standing.ts";
import { queuedGeneration } from "./generation-request.ts";
import { distinctMember, refuseNewcomer, type Join } from "./newcomer.ts";
import { idsInEpochs } from "../log/numbering.ts";
import { denialOf } from "./permissions.ts";
import { Placer } from "../planning/placer.ts";
import { nextStep, type Step } from "./rules.ts";
import { troubleReports } from "./troubles.ts";

export type CoordinatorOptions = Pick<
  CoordinatorParts,
  "clock" | "planner" | "random" | "timings"
> & {
  readonly transport: Transport;
  readonly log: EventLog;
  readonly self: MemberId;
  /** For members that are admitted. */
  readonly key: () => RoomKey;
  /** The room's next key, once the server knows it or cannot be asked. Nobody uses it yet. */
  readonly nextKey: () => Promise<RoomKey>;
  /** From now on this tab uses it. */
  readonly keepKey: (key: RoomKey) => void;
  /** Called for each event after it was applied, as on every member. */
  readonly onEvent: (event: IndexedEvent) => void;
};

export class Coordinator {
  readonly #options: CoordinatorOptions;
  /** Members that were admitted and get every event; not the coordinator itself. */
  readonly #followers = new Set<MemberId>();
  readonly #placer: Placer;
  readonly #laps = new LapCorrections();
  readonly #drift = new LinkDrift();
  readonly #troubles: ReturnType<typeof troubleReports>;
  readonly #loads: LoadWatch;
  /** When members were dropped that did not say to this tab that they leave. */
  readonly #lostMs = new Map<MemberId, number>();
  readonly #nextId: (epoch: number) => number;
  #stepping = false;
  #cancelRejoin = () => undefined as void;
  #stopped = false;
  /** It began, or went on, without most of the placement's members: they may continue elsewhere. */
  #lostModel = false;
  /** Removals happen one after another, since each key signs the next one. */
  #removing: Promise<unknown> = Promise.resolve();

  constructor(options: CoordinatorOptions) {
    const parts: CoordinatorParts = {
      ...options,
      state: () => this.state,
      emit: (event) => this.#emit(event),
      onSettled: () => this.#takeSteps(),
      isPresent: (id) => this.#isPresent(id),
    };
    this.#options = options;
    this.#nextId = idsInEpochs(options.random);
    this.#loads = new LoadWatch(parts);
    this.#placer = new Placer(parts, this.#loads);
    this.#troubles = troubleReports(parts);
  }

  /** Opens a room with this tab as its first member. */
  open(profile: Member): void {
    this.#emit({ type: "member_joined", member: profile });
  }

  /**
   * Continues a log whose coordinator is gone, in an epoch above `epoch`. `lost` are members whose
   * connections to this tab have ended since: nobody waits for them.
   */
  takeOver(
    epoch: number,
    ownsModel: boolean,
    profile: Member,
    lost: ReadonlyMap<MemberId, CloseFailure>,
  ): void {
    const { log, self, timings, clock } = this.#options;
    const old = log.state.coordinator;
    this.#lostModel = !ownsModel;
    this.renew(epoch);
    // The old coordinator may have taken this member for lost.
    if (!this.#member(self)) this.open(profile);
    // Reports of its loads may be lost with the old coordinator.
    this.#placer.abandonHandover();
    if (old !== self && this.#member(old))
      this.#lose(old, { reason: "coordinator_replaced", coordinator: self });
    for (const [member, cause] of lost) this.#lose(member, { reason: "connection_closed", cause });
    this.#cancelRejoin = clock.after(timings.rejoinMs, () => this.#dropAbsent());
    // It knows the key. A coordinator that is stopped meanwhile leaves this to the next one.
    if (log.state.removedMembers.includes(old))
      this.#inTurn(() => this.#changeKey()).catch(() => undefined);
  }

  /** Continues in an epoch above `epoch`, so that members that know that one follow. */
  renew(epoch: number): void {
    const coordinator = { type: "coordinator_changed", coordinator: this.#options.self } as const;
    this.#emit(coordinator, Math.max(epoch, this.state.epoch) + 1);
  }

  stop(): void {
    this.#stopped = true;
    this.#placer.stop();
    this.#troubles.stop();
    this.#cancelRejoin();
  }

  get followers(): ReadonlySet<MemberId> {
    return this.#followers;
  }

  /** This member and its followers hold at least half of the placement's stages. */
  get holdsModel(): boolean {
    return holdsModel(this.state, (id) => this.#isPresent(id));
  }

  /** It has held the placed model ever since it coordinates; at most one side of a partition has. */
  get ownsModel(): boolean {
    return !this.#lostModel && this.#hasModel();
  }

  /** Members that may follow another coordinator: their links ended, and they did not say that they leave. */
  missing(): MemberId[] {
    const { clock, self, timings } = this.#options;
    const sinceMs = clock.nowMs() - timings.missingMs;
    for (const [id, lostMs] of this.#lostMs) if (lostMs < sinceMs) this.#lostMs.delete(id);
    const absent = this.state.members.map(({ id }) => id).filter((id) => id !== self);
    return [...new Set([...this.#lostMs.keys(), ...absent])].filter(
      (id) => !this.#followers.has(id),
    );
  }

  /** Handles one message from a peer. */
  handle(peer: MemberId, message: ClusterMessage): void {
    switch (message.type) {
      case "join":
        return this.#welcome(peer, message);
      case "command":
        return void this.#answer(peer, message.id, message.command);
      case "events_missing":
        if (this.#followers.has(peer)) this.#post(peer, { type: "snapshot", state: this.state });
        return;
      case "leave":
        if (this.drop(peer)) this.left(peer, { reason: "left" });
        this.#lostMs.delete(peer);
        return;
      default:
        // Replies and events of a coordinator, which are not for this one.
        return;
    }
  }

  /** A peer's connection is gone: it gets no more events. False if it got none. */
  drop(peer: MemberId): boolean {
    const hadModel = this.#hasModel();
    if (!this.#followers.delete(peer)) return false;
    if (hadModel && !this.#hasModel()) this.#lostModel = true;
    this.#lostMs.set(peer, this.#options.clock.nowMs());
    return true;
  }

  /** A member that was dropped has left the room, unless it is back. */
  left(peer: MemberId, reason: LeaveReason): void {
    if (this.#followers.has(peer) || !this.#member(peer)) return;
    this.#emit({ type: "member_left", member: peer, reason });
  }

  /** Executes a command of `from`. Resolves with an id or null; rejects with a `RoomError`. */
  async execute(from: MemberId, command: RoomCommand): Promise<number | null> {
    if (this.#stopped) throw new RoomError({ reason: "coordinator_stopped" });
    const denial = denialOf(this.state, from, command);
    if (denial) throw new RoomError(denial);
    switch (command.type) {
      case "place_model":
        return this.#placer.placeModel(knownModel(this.state, command.model));
      case "place_stages":
        return this.#placer.placeStages(knownModel(this.state, command.model), command.stages);
      case "report_handover":
        this.#placer.takeReport(from, command.placement, command.failure);
        return null;
      case "hand_over":
        return this.#placer.handOver(from);
      case "report_laps":
        this.#laps.take(this.state, from, command).forEach((event) => this.#emit(event));
        this.#drift.take(this.state, from, command).forEach((event) => this.#emit(event));
        return null;
      case "report_trouble":
        this.#troubles.take(from, command.trouble);
        return null;
      case "request_generation":
        return this.#queueGeneration(from, command);
      case "remove_member":
        return this.#inTurn(() => this.#remove(from, command));
      default:
        for (const event of eventsOf(this.state, from, command)) this.#emit(event);
        return null;
    }
  }

  get state(): RoomState {
    return this.#options.log.state;
  }

  /** The others get another secret first, so that everyone who learns of the removal has it. */
  async #remove(from: MemberId, command: Extract<RoomCommand, { type: "remove_member" }>) {
    const events = () => eventsOf(this.state, from, command);
    if (events().length === 0) return null; // throws for an unknown member
    if (command.member !== this.#options.self) await this.#changeKey(command.member);
    for (const event of events()) this.#emit(event);
    return null;
  }

  async #changeKey(removed: MemberId | null = null): Promise<void> {
    const { nextKey, keepKey } = this.#options;
    const key = await nextKey();
    if (this.#stopped) throw new RoomError({ reason: "coordinator_stopped" });
    keepKey(key);
    for (const peer of this.#followers)
      if (peer !== removed) this.#post(peer, { type: "key_changed", key });
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#removing.then(act);
    this.#removing = turn.catch(() => undefined);
    return turn;
  }

  #welcome(peer: MemberId, join: Join): void {
    const { key, transport } = this.#options;
    const { member } = join;
    const refusal = refuseNewcomer(this.state, peer, join, transport.provenBy(peer));
    if (refusal) return this.#post(peer, { type: "refused", refusal });
    const known = this.#member(member.id);
    this.#followers.delete(peer);
    if (!known) {
      this.#emit({ type: "member_joined", member: distinctMember(this.state, member) });
    }
    if (known && known.shard !== member.shard && member.shard) {
      this.#emit({ type: "shard_progressed", member: member.id, shard: member.shard });
    }
    this.#followers.add(peer);
    this.#lostMs.delete(peer);
    this.#post(peer, { type: "welcome", key: key(), state: this.state });
    if (!known) return;
    this.#placer.memberReturned();
    this.#takeSteps();
  }

  async #answer(peer: MemberId, id: number, command: unknown): Promise<void> {
    try {
      if (!this.#followers.has(peer)) throw new RoomError({ reason: "not_a_member" });
      const value = await this.execute(peer, parseCommand(command));
      this.#post(peer, { type: "result", id, error: null, value });
    } catch (error) {
      this.#post(peer, { type: "result", id, error: roomFailureOf(error), value: null });
    }
  }

  #queueGeneration(
    requester: MemberId,
    command: Extract<RoomCommand, { type: "request_generation" }>,
  ): number {
    const known = this.state.generations.find(
      (generation) => generation.requester === requester && generation.key === command.key,
    );
    if (known) return known.id;
    const { solving } = this.#placer.attempts;
    const id = this.#nextId(this.state.epoch);
    const generation = queuedGeneration(this.state, requester, command, { id, solving });
    this.#emit({ type: "generation_queued", generation });
    return id;
  }

  #post(peer: MemberId, message: ClusterMessage): void {
    post(this.#options.transport, peer, message);
  }

  #hasModel(): boolean {
    return ownsModel(this.state, (id) => this.#isPresent(id));
  }

  #isPresent(id: MemberId): boolean {
    return id === this.#options.self || this.#followers.has(id);
  }

  #member(id: MemberId): Member | undefined {
    return this.state.members.find((member) => member.id === id);
  }

  #emit(event: RoomEvent, epoch = this.state.epoch): void {
    if (this.#stopped) return;
    const { log, onEvent } = this.#options;
    const indexed = log.append(event, epoch);
    for (const peer of this.#followers) this.#post(peer, { type: "events", events: [indexed] });
    if (event.type === "member_left") {
      this.#followers.delete(event.member);
      this.#troubles.forget(event.member);
    }
    onEvent(indexed);
    this.#placer.note(event);
    this.#loads.note();
    this.#takeSteps();
  }

  /** Steps emit events, and events lead to steps: the flag makes this one loop. */
  #takeSteps(): void {
    if (this.#stepping || this.#stopped) return;
    this.#stepping = true;
    try {
      for (let step = this.#nextStep(); step; step = this.#nextStep()) this.#take(step);
    } finally {
      this.#stepping = false;
    }
  }

  #nextStep(): Step | null {
    const { repairing } = this.#troubles;
    return nextStep(this.state, { ...this.#placer.attempts, repairing });
  }

  #take(step: Step): void {
    switch (step.type) {
      case "place_again":
        return this.#placer.placeAgain();
      case "review":
        return this.#placer.review();
      default:
        return this.#emit(step);
    }
  }

  #dropAbsent(): void {
    for (const { id } of this.state.members)
      if (!this.#isPresent(id)) this.#lose(id, { reason: "did_not_rejoin" });
  }

  /** The member has left the room, and may follow another coordinator. */
  #lose(id: MemberId, reason: LeaveReason): void {
    this.left(id, reason);
    this.#lostMs.set(id, this.#options.clock.nowMs());
  }
}
