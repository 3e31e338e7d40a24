/**
 * Who coordinates, as this tab takes part in it: it leads, follows, or looks for a coordinator, and
 * tells other members which. Two coordinators that meet agree on one (`standing.ts`).
 *
 * Over 250 lines: leading, following, and searching answer the same messages.
 */
import type { Transport } from "../../mesh/index.ts";
import type { CloseFailure, MemberId } from "../../shared/index.ts";
import type { Coordinator } from "../coordinator/coordinator.ts";
import type { SearchParts } from "../parts.ts";
import { post, type Standing } from "./messages.ts";
import { recovery } from "./recovery.ts";
import type { Connection, RoomAccess } from "./room-access.ts";
import { watchRoom } from "./room-watch.ts";
import { isLonger, precedes } from "./standing.ts";

export type LeadershipParts = SearchParts & {
  readonly transport: Transport;
  readonly room: Pick<RoomAccess, "state" | "connection">;
  /** A search that begins is "reconnecting", one that fails "lost". */
  readonly setConnection: (connection: Connection) => void;
  readonly join: (peer: MemberId) => Promise<void>;
  /** A coordinator that opens the room, or continues its log in an epoch above `epoch`. */
  readonly coordinate: (epoch: number, ownsModel: boolean) => Coordinator;
};

/** No partition lasts for so many elections: a far epoch is not real, and would use up the numbers. */
const MAX_EPOCHS_AHEAD = 4096;
/** Both may own a model after two partitions, each another one: they do not outrank each other in turn. */
const RENEW_AGAIN_MS = 60_000;

/** A peer that a coordinator has asked over an open connection has answered by then. */
const STALE_MS = 750;

export class Leadership {
  readonly #parts: LeadershipParts;
  #coordinator: Coordinator | null = null;
  #endWatch = () => undefined as void;
  #recovery: ReturnType<typeof recovery> | null = null;
  /** Members that are being asked for their standing. */
  readonly #asked = new Set<MemberId>();
  /** Of a coordinator: since when peers to which it is connected owe it an answer. */
  readonly #unanswered = new Map<MemberId, number>();
  /** How often it stepped down for one that it does not reach, since it last followed another. */
  #outranked = 0;
  /** When it last opened a later epoch than such a coordinator. */
  #renewedMs = -Infinity;
  #stopped = false;

  constructor(parts: LeadershipParts) {
    this.#parts = parts;
  }

  /** null unless this tab coordinates. */
  get coordinator(): Coordinator | null {
    return this.#coordinator;
  }

  stop(): void {
    this.#stopped = true;
    this.#coordinator?.stop();
    this.#endWatch();
    this.#recovery?.stop();
  }

  lead(epoch: number, ownsModel: boolean): void {
    const { coordinate, setConnection } = this.#parts;
    const coordinator = coordinate(epoch, ownsModel);
    this.#recovery = null;
    this.#coordinator = coordinator;
    setConnection("connected");
    this.#endWatch = watchRoom({
      ...this.#parts,
      missing: () => coordinator.missing(),
      ask: (peer) => this.#ask(peer),
      onNameLost: (holder) => this.#nameLost(coordinator, holder),
    });
  }

  /**
   * The server has a claim of a later term in `epoch` of `by`; `isHeld` if that one is connected. The
   * member that owns the model continues in a later epoch; another steps down.
   */
  outranked(epoch: number, by: MemberId, isHeld: boolean): void {
    const coordinator = this.#coordinator;
    const own = this.#parts.room.state.epoch;
    if (coordinator === null || epoch < own || epoch > own + MAX_EPOCHS_AHEAD) return;
    if (isHeld) this.#ask(by);
    if (!isHeld) return coordinator.renew(epoch);
    const nowMs = this.#parts.clock.nowMs();
    if (coordinator.ownsModel && nowMs - this.#renewedMs > RENEW_AGAIN_MS) {
      this.#renewedMs = nowMs;
      return coordinator.renew(epoch);
    }
    this.#outranked += 1;
    this.#stepDown(coordinator, by);
  }

  /**
   * There is no coordinator. `left` is one that said that it leaves, `lost` one to which the connection
   * ended; `others` may be one.
   */
  recover(
    left: MemberId | null,
    others: readonly MemberId[] = [],
    lost: MemberId | null = null,
  ): void {
    if (this.#recovery || this.#stopped) return;
    const { transport, join, setConnection } = this.#parts;
    this.#recovery = recovery({
      ...this.#parts,
      isConnected: (peer) => transport.connectedPeers().includes(peer),
      others,
      left,
      lost,
      outranked: this.#outranked,
      ask: (peer) => this.#ask(peer),
      join: async (peer) => {
        await join(peer);
        this.#recovery = null;
        this.#outranked = 0;
        setConnection("connected");
      },
      lead: (epoch, ownsModel) => this.lead(epoch, ownsModel),
    });
    setConnection("reconnecting");
    this.#recovery.run().catch(() => setConnection("lost"));
  }

  /** A follower's connection ended, and it did not say that it leaves. */
  memberGone(coordinator: Coordinator, peer: MemberId, cause: CloseFailure): void {
    const heldModel = coordinator.holdsModel;
    if (!coordinator.drop(peer)) return;
    // If it is there, it may follow another by now.
    this.#ask(peer);
    const reason = { reason: "connection_closed", cause } as const;
    if (!heldModel || coordinator.holdsModel) return coordinator.left(peer, reason);
    // Either those members are gone, or this tab is cut off and they continue without it.
    void this.#parts.registry
      .reachesServer()
      .catch(() => false)
      .then((reaches) => {
        if (this.#coordinator !== coordinator) return;
        if (reaches || coordinator.holdsModel) coordinator.left(peer, reason);
        else this.#stepDown(coordinator, null);
      });
  }

  /** A peer said whom it follows. */
  take(peer: MemberId, theirs: Standing & { readonly asks: boolean }): void {
    const { room, transport } = this.#parts;
    this.#unanswered.delete(peer);
    // Neither a stranger that knows only the code nor a removed member may depose a coordinator.
    const { members, removedMembers, epoch, coordinator } = room.state;
    const isMember = members.some(({ id }) => id === peer);
    if (!isMember && transport.provenBy(peer) !== "secret") return;
    if (removedMembers.includes(peer) || theirs.epoch > epoch + MAX_EPOCHS_AHEAD) return;
    if (this.#coordinator) this.#compare(this.#coordinator, peer, theirs);
    else if (this.#recovery) this.#recovery.take(peer, theirs);
    else if (room.connection === "connected" && peer === coordinator && theirs.coordinator !== peer)
      this.recover(null);
    if (theirs.asks) this.tell(peer, false);
  }

  /** Tells a peer whom this tab follows. If it asks, the peer answers with the same. */
  tell(peer: MemberId, asks: boolean): void {
    post(this.#parts.transport, peer, { type: "standing", asks, ...this.#standing() });
  }

  #standing(): Standing {
    const { state, connection } = this.#parts.room;
    const { epoch, nextIndex: index, coordinator } = state;
    return {
      epoch,
      index,
      coordinator: connection === "connected" ? coordinator : null,
      opener: coordinator,
      holdsModel: this.#coordinator?.holdsModel ?? false,
    };
  }

  /** Connects if need be. The answer is a "standing". */
  #ask(peer: MemberId): void {
    const { transport, clock } = this.#parts;
    if (this.#asked.has(peer)) return;
    const askedMs = this.#unanswered.get(peer) ?? Infinity;
    // A tab that was reloaded while this one was frozen does not have this connection any more.
    if (this.#coordinator && clock.nowMs() - askedMs >= STALE_MS) {
      this.#unanswered.delete(peer);
      transport.dropSilent(peer);
    }
    this.#asked.add(peer);
    transport
      .connect(peer)
      .then(() => {
        if (this.#stopped) return;
        if (this.#coordinator && !this.#unanswered.has(peer)) {
          this.#unanswered.set(peer, clock.nowMs());
          transport.check(peer);
        }
        this.tell(peer, true);
      })
      // It cannot be reached now; the caller asks again.
      .catch(() => undefined)
      .finally(() => this.#asked.delete(peer));
  }

  /** This tab coordinates, and a peer may know another coordinator. */
  #compare(coordinator: Coordinator, peer: MemberId, theirs: Standing): void {
    const { self } = this.#parts;
    const mine = { ...this.#standing(), self };
    if (theirs.coordinator === null) {
      const isSameEpoch = theirs.epoch === mine.epoch;
      if (theirs.epoch < mine.epoch || (isSameEpoch && theirs.opener === self)) return;
      const continues = isSameEpoch ? isLonger(mine, { ...theirs, self: peer }) : mine.holdsModel;
      if (continues) coordinator.renew(theirs.epoch);
      else this.#stepDown(coordinator, peer);
    } else if (theirs.coordinator !== peer) {
      if (theirs.coordinator !== self) this.#ask(theirs.coordinator);
    } else if (!precedes(mine, { ...theirs, self: peer })) this.#stepDown(coordinator, peer);
    else if (theirs.epoch >= mine.epoch) coordinator.renew(theirs.epoch);
  }

  /** A member that cannot be reached answers for the room's name at the server. */
  #nameLost(coordinator: Coordinator, holder: MemberId): void {
    const { room, transport } = this.#parts;
    const isMember = room.state.members.some(({ id }) => id === holder);
    // Another room of this code, which a newcomer opened, deposes nobody.
    if (!isMember && !coordinator.missing().includes(holder)) return;
    if (coordinator.ownsModel || transport.connectedPeers().includes(holder)) return;
    this.#outranked += 1;
    this.#stepDown(coordinator, holder);
  }

  #stepDown(coordinator: Coordinator, other: MemberId | null): void {
    coordinator.stop();
    this.#coordinator = null;
    this.#endWatch();
    const others = [...coordinator.missing(), ...(other ? [other] : [])];
    this.recover(null, others);
    for (const peer of coordinator.followers) this.tell(peer, false);
  }
}
