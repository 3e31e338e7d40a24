/**
 * The transport between real tabs: PeerJS finds the peer, then all traffic is
 * direct. One connection per pair; when both sides call at once, the one that
 * the smaller id made stays.
 */
import type { DataConnection, Peer } from "peerjs";
import { MemberId } from "../shared/ids.ts";
import { MeshError } from "./errors.ts";
import { PROTOCOL_VERSION } from "./frames.ts";
import { TransportListeners } from "./listeners.ts";
import { PeerLink, type PeerLinkOptions } from "./peer-link.ts";
import { openPeer, SignallingKeeper, type PeerOptions } from "./signalling.ts";
import type { Transport } from "./types.ts";

export type PeerTransportOptions = PeerOptions & {
  readonly self: MemberId;
  /**
   * Called in the same turn in which the channel is made, for each connection
   * attempt: pass it through `channelForWorker` to the GPU worker at once. A
   * later channel of the same peer replaces the earlier one.
   */
  readonly onFrameChannel: (peer: MemberId, channel: RTCDataChannel) => void;
  /** Another version than this tab's own, for tests of the handshake. */
  readonly protocol?: number;
};

/** Connecting takes 0.1 s on one network and up to 1 s at bad times; STUN needs more. */
const CONNECT_TIMEOUT_MS = 15_000;

type Waiter = { readonly resolve: () => void; readonly reject: (error: MeshError) => void };

/** Rejects with a `MeshError` (`taken`, `signalling`) when the server does not register this tab. */
export async function openPeerTransport(options: PeerTransportOptions): Promise<PeerTransport> {
  return new PeerTransport(await openPeer(options.self, options), options);
}

export class PeerTransport implements Transport {
  readonly self: MemberId;
  readonly events = new TransportListeners();
  /** Tells when this tab can no longer be found by new peers, and when it can again. */
  readonly onSignalling: (listener: (registered: boolean) => void) => () => void;
  private readonly peer: Peer;
  private readonly keeper: SignallingKeeper;
  private readonly linkOptions: PeerLinkOptions;
  private readonly links = new Map<MemberId, PeerLink>();
  private readonly waiters = new Map<MemberId, Set<Waiter>>();

  constructor(
    peer: Peer,
    { self, onFrameChannel, protocol = PROTOCOL_VERSION }: PeerTransportOptions,
  ) {
    this.self = self;
    this.peer = peer;
    this.keeper = new SignallingKeeper(peer);
    this.onSignalling = this.keeper.changes.add;
    this.linkOptions = {
      self,
      protocol,
      onFrameChannel,
      onReady: (link) => this.ready(link),
      onGone: (link, error) => this.gone(link, error),
      onMessage: (link, message) => this.events.message.emit(link.peer, message),
      onBytes: (link, bytes) => this.events.bytes.emit(link.peer, bytes),
    };
    peer.on("connection", (connection) => this.accept(connection));
    peer.on("error", (error) => this.peerError(error.type, error.message));
  }

  async connect(peer: MemberId, timeoutMs = CONNECT_TIMEOUT_MS): Promise<void> {
    if (this.links.get(peer)?.ready === true) return;
    if (!this.links.has(peer)) this.call(peer);
    await this.untilReady(peer, timeoutMs);
  }

  async send(peer: MemberId, message: unknown): Promise<void> {
    await this.readyLink(peer).send(message);
  }

  async sendBytes(peer: MemberId, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.readyLink(peer).sendBytes(bytes);
  }

  disconnect(peer: MemberId): void {
    this.links.get(peer)?.close("closed by the other side");
  }

  connectedPeers(): readonly MemberId[] {
    return [...this.links.values()].filter((link) => link.ready).map((link) => link.peer);
  }

  close(): void {
    for (const peer of [...this.links.keys()]) this.disconnect(peer);
    this.keeper.stop();
    // Destroying closes every connection at once; the farewells above need a moment.
    this.peer.disconnect();
    setTimeout(() => this.peer.destroy(), 500);
  }

  private call(peer: MemberId): void {
    if (this.peer.disconnected)
      throw new MeshError(
        "signalling",
        `Cannot look for ${peer}: the signalling server is out of reach. Trying again by itself.`,
      );
    const connection = this.peer.connect(peer, { serialization: "raw", reliable: true });
    this.links.set(peer, new PeerLink(connection, peer, true, this.linkOptions));
  }

  private accept(connection: DataConnection): void {
    const peer = MemberId.safeParse(connection.peer);
    const existing = peer.success ? this.links.get(peer.data) : undefined;
    const crossing = existing?.outgoing === true && !existing.ready;
    if (!peer.success || (crossing && this.self < peer.data)) {
      // PeerJS is in the middle of answering and breaks when it is closed now.
      setTimeout(() => connection.close(), 1000);
      return;
    }
    const replaced = existing?.ready === true;
    existing?.discard();
    if (replaced) this.events.disconnect.emit(peer.data, "the other side connected again");
    const link = new PeerLink(connection, peer.data, false, this.linkOptions);
    this.links.set(peer.data, link);
    setTimeout(() => {
      if (this.links.get(peer.data) === link && !link.ready) link.close("no handshake in time");
    }, CONNECT_TIMEOUT_MS);
  }

  private untilReady(peer: MemberId, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = this.waiters.get(peer) ?? new Set<Waiter>();
      this.waiters.set(peer, waiting);
      const timeout = setTimeout(() => {
        waiting.delete(waiter);
        const message = `${peer} did not answer within ${timeoutMs / 1000} s. Is that tab still open, and on a network that this one reaches?`;
        if (waiting.size === 0) this.links.get(peer)?.close(message, "timeout");
        reject(new MeshError("timeout", message));
      }, timeoutMs);
      const settle = (act: () => void) => {
        clearTimeout(timeout);
        act();
      };
      const waiter: Waiter = {
        resolve: () => settle(resolve),
        reject: (error) => settle(() => reject(error)),
      };
      waiting.add(waiter);
    });
  }

  private settleWaiters(peer: MemberId, act: (waiter: Waiter) => void): void {
    const waiting = this.waiters.get(peer);
    this.waiters.delete(peer);
    waiting?.forEach(act);
  }

  private ready(link: PeerLink): void {
    this.settleWaiters(link.peer, (waiter) => waiter.resolve());
    this.events.connect.emit(link.peer);
  }

  private gone(link: PeerLink, error: MeshError): void {
    if (this.links.get(link.peer) !== link) return;
    this.links.delete(link.peer);
    this.settleWaiters(link.peer, (waiter) => waiter.reject(error));
    if (link.wasReady) this.events.disconnect.emit(link.peer, error.message);
  }

  private peerError(type: string, message: string): void {
    if (type !== "peer-unavailable") return;
    for (const link of [...this.links.values()])
      if (!link.ready && message.endsWith(` ${link.peer}`))
        link.close(
          `Nobody is there as ${link.peer}. That tab may have been closed.`,
          "unreachable",
        );
  }

  private readyLink(peer: MemberId): PeerLink {
    const link = this.links.get(peer);
    if (link?.ready !== true)
      throw new MeshError("closed", `Cannot send to ${peer}: not connected.`);
    return link;
  }
}
