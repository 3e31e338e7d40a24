/**
 * The transport between real tabs: PeerJS finds the peer, then all traffic is
 * direct. One connection per pair. When both sides connect at the same time, the
 * connection from the smaller id is kept. A connection that is proven is replaced only by
 * another one that is, so that a stranger that makes offers in a peer's name cannot end it.
 */
import type { DataConnection, Peer } from "peerjs";
import {
  type Clock,
  MemberId,
  type CloseFailure,
  type MeshFailure,
  SYSTEM_CLOCK,
} from "../shared/index.ts";
import type { Admission, ProvenBy } from "./admission.ts";
import { PROTOCOL_VERSION } from "./packet.ts";
import { MeshError } from "./mesh-error.ts";
import { PeerLink, type PeerLinkOptions } from "./peer-link.ts";
import { keepRegistered, openPeer, type PeerOptions } from "./signaling.ts";
import { type Transport, TransportListeners } from "./transport.ts";

export type PeerTransportOptions = PeerOptions & {
  readonly self: MemberId;
  readonly admission: Admission;
  /** For heartbeats; in a hidden page, one that browsers do not delay. */
  readonly clock?: Clock;
  /**
   * Called in the task that creates the channel, for each connection attempt: transfer
   * the channel to the GPU worker at once. The function that it
   * returns is called once the peer has completed the handshake; until then the worker takes
   * no frames from the channel. A channel that is opened replaces the peer's earlier one.
   */
  readonly onFrameChannel: (peer: MemberId, channel: RTCDataChannel) => () => void;
  /** Called with false while the signaling server is lost, and with true once it is back. */
  readonly onSignaling?: (isRegistered: boolean) => void;
  /** A version other than this tab's, for tests of the handshake. */
  readonly protocol?: number;
};

/** Connecting takes 0.1 s on one network and sometimes 1 s. STUN takes longer. */
const CONNECT_TIMEOUT_MS = 15_000;
/** Closing a connection while PeerJS answers it breaks PeerJS. */
const REJECT_DELAY_MS = 1000;
/** Destroying the peer closes every connection at once, and the last messages need this long. */
const LINGER_MS = 500;

/** "EXPIRE": nobody with the id `src` took an offer. PeerJS's own error has the id only in its text. */
type ServerMessage = { readonly type: string; readonly src: string };

/** Called once: with null when the peer is ready. */
type Waiter = (failure: MeshFailure | null) => void;

/** Rejects with a `MeshError` if the server does not register this tab. */
export async function openPeerTransport(options: PeerTransportOptions): Promise<PeerTransport> {
  return new PeerTransport(await openPeer(options.self, options), options);
}

export class PeerTransport implements Transport {
  readonly self: MemberId;
  readonly events = new TransportListeners();
  readonly #peer: Peer;
  readonly #stopKeeping: () => void;
  readonly #linkOptions: PeerLinkOptions;
  readonly #links = new Map<MemberId, PeerLink>();
  /** Called in the name of a peer that is connected, and not proven yet. */
  readonly #candidates = new Set<PeerLink>();
  readonly #waiters = new Map<MemberId, readonly Waiter[]>();

  constructor(
    peer: Peer,
    {
      self,
      admission,
      clock = SYSTEM_CLOCK,
      onFrameChannel,
      onSignaling,
      protocol = PROTOCOL_VERSION,
    }: PeerTransportOptions,
  ) {
    this.self = self;
    this.#peer = peer;
    this.#stopKeeping = keepRegistered(peer, onSignaling);
    this.#linkOptions = {
      self,
      protocol,
      admission,
      clock,
      onFrameChannel,
      onReady: (link) => this.#ready(link),
      onGone: (link, cause) => this.#gone(link, cause),
      onMessage: (link, message) => this.events.message.emit(link.peer, message),
      onBytes: (link, bytes) => this.events.bytes.emit(link.peer, bytes),
    };
    peer.on("connection", (connection) => this.#accept(connection));
    peer.on("disconnected", () => this.#signalingLost());
    peer.socket.on("message", (message: ServerMessage) => this.#fromServer(message));
  }

  async connect(peer: MemberId): Promise<void> {
    if (this.#links.get(peer)?.ready === true) return;
    if (!this.#links.has(peer)) this.#call(peer);
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = (failure) =>
        failure === null ? resolve() : reject(new MeshError(failure));
      this.#waiters.set(peer, [...(this.#waiters.get(peer) ?? []), waiter]);
    });
  }

  async send(peer: MemberId, message: unknown): Promise<void> {
    await this.#readyLink(peer).send(message);
  }

  async sendBytes(peer: MemberId, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#readyLink(peer).sendBytes(bytes);
  }

  disconnect(peer: MemberId): void {
    this.#links.get(peer)?.close({ reason: "closed_by_this_tab" }, { reason: "closed_by_peer" });
  }

  check(peer: MemberId): void {
    this.#links.get(peer)?.check();
  }

  dropSilent(peer: MemberId): boolean {
    const link = this.#links.get(peer);
    if (link?.silent !== true) return false;
    link.drop({ reason: "peer_silent", peer });
    return true;
  }

  /** Replaces the frames channel to a connected peer; `onFrameChannel` gets the new one. */
  renewFrames(peer: MemberId): void {
    this.#links.get(peer)?.renewFrames();
  }

  provenBy(peer: MemberId): ProvenBy | null {
    const link = this.#links.get(peer);
    return link?.ready === true ? link.provenBy : null;
  }

  connectedPeers(): readonly MemberId[] {
    return [...this.#links.values()].filter((link) => link.ready).map((link) => link.peer);
  }

  close(): void {
    for (const peer of [...this.#links.keys()]) this.disconnect(peer);
    for (const link of this.#candidates) link.discard();
    this.#stopKeeping();
    this.#peer.disconnect();
    setTimeout(() => this.#peer.destroy(), LINGER_MS);
  }

  #call(peer: MemberId): void {
    if (this.#peer.disconnected) throw new MeshError({ reason: "signaling_lost" });
    const connection = this.#peer.connect(peer, { serialization: "raw", reliable: true });
    this.#links.set(peer, this.#link(connection, peer, true));
  }

  /** Offers that were sent to a server that was lost meanwhile have no answer. */
  #signalingLost(): void {
    for (const [peer, link] of [...this.#links]) {
      if (!link.outgoing || link.ready) continue;
      this.#links.delete(peer);
      link.discard();
      this.#settleWaiters(peer, { reason: "signaling_lost" });
    }
  }

  #accept(connection: DataConnection): void {
    const peer = MemberId.safeParse(connection.peer);
    const existing = peer.success ? this.#links.get(peer.data) : undefined;
    const crossing = existing?.outgoing === true && !existing.ready;
    if (!peer.success || (crossing && this.self < peer.data)) {
      setTimeout(() => connection.close(), REJECT_DELAY_MS);
      return;
    }
    const link = this.#link(connection, peer.data, false);
    if (existing?.ready === true) {
      this.#candidates.add(link);
    } else {
      existing?.discard();
      this.#links.set(peer.data, link);
    }
  }

  #link(connection: DataConnection, peer: MemberId, outgoing: boolean): PeerLink {
    const link = new PeerLink(connection, peer, outgoing, this.#linkOptions);
    const timeoutMs = CONNECT_TIMEOUT_MS;
    setTimeout(() => {
      if (!link.ready) link.close({ reason: "connect_timeout", peer, timeoutMs });
    }, timeoutMs);
    return link;
  }

  #settleWaiters(peer: MemberId, failure: MeshFailure | null): void {
    const waiting = this.#waiters.get(peer);
    this.#waiters.delete(peer);
    waiting?.forEach((waiter) => waiter(failure));
  }

  #ready(link: PeerLink): void {
    const replaced = this.#links.get(link.peer);
    this.#candidates.delete(link);
    this.#links.set(link.peer, link);
    if (replaced !== undefined && replaced !== link) {
      replaced.discard();
      if (replaced.provenBy !== null)
        this.events.disconnect.emit(link.peer, { reason: "replaced_connection" });
    }
    this.#settleWaiters(link.peer, null);
    this.events.connect.emit(link.peer);
  }

  #gone(link: PeerLink, cause: CloseFailure): void {
    if (this.#candidates.delete(link)) return this.events.refuse.emit(link.peer, cause);
    if (this.#links.get(link.peer) !== link) return;
    this.#links.delete(link.peer);
    this.#settleWaiters(link.peer, cause);
    if (link.provenBy !== null) this.events.disconnect.emit(link.peer, cause);
    else if (!link.outgoing) this.events.refuse.emit(link.peer, cause);
  }

  #fromServer({ type, src }: ServerMessage): void {
    if (type !== "EXPIRE") return;
    for (const link of [...this.#links.values()])
      if (!link.ready && link.peer === src) link.close({ reason: "no_such_peer", peer: link.peer });
  }

  #readyLink(peer: MemberId): PeerLink {
    const link = this.#links.get(peer);
    if (link?.ready !== true) throw new MeshError({ reason: "not_connected", peer });
    return link;
  }
}
