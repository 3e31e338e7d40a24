/**
 * A transport inside one process, for tests of what stands above transports:
 * the same promises (order, asynchrony, copies), no network.
 */
import type { MemberId } from "../shared/ids.ts";
import { MeshError } from "./errors.ts";
import { TransportListeners } from "./listeners.ts";
import type { FramePort, Transport } from "./types.ts";

/** Members that can reach each other; each `join` adds one. */
export class MemoryNetwork {
  private readonly members = new Map<MemberId, MemoryTransport>();

  join(self: MemberId): Transport {
    const transport = new MemoryTransport(self, this.members);
    this.members.set(self, transport);
    return transport;
  }
}

class MemoryTransport implements Transport {
  readonly self: MemberId;
  readonly events = new TransportListeners();
  private readonly network: Map<MemberId, MemoryTransport>;
  private readonly peers = new Set<MemberId>();

  constructor(self: MemberId, network: Map<MemberId, MemoryTransport>) {
    this.self = self;
    this.network = network;
  }

  async connect(peer: MemberId): Promise<void> {
    if (this.peers.has(peer)) return;
    await Promise.resolve();
    const other = this.network.get(peer);
    if (other === undefined) throw new MeshError("unreachable", `Nobody is there as ${peer}.`);
    if (this.peers.has(peer)) return;
    this.peers.add(peer);
    other.peers.add(this.self);
    other.events.connect.emit(this.self);
    this.events.connect.emit(peer);
  }

  async send(peer: MemberId, message: unknown): Promise<void> {
    const text = JSON.stringify(message);
    await this.deliver(peer, (other) => other.events.message.emit(this.self, JSON.parse(text)));
  }

  async sendBytes(peer: MemberId, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const copy = bytes.slice();
    await this.deliver(peer, (other) => other.events.bytes.emit(this.self, copy));
  }

  disconnect(peer: MemberId): void {
    if (!this.peers.delete(peer)) return;
    const other = this.network.get(peer);
    this.events.disconnect.emit(peer, "closed by this tab");
    if (other?.peers.delete(this.self))
      other.events.disconnect.emit(this.self, "closed by the other side");
  }

  connectedPeers(): readonly MemberId[] {
    return [...this.peers];
  }

  close(): void {
    for (const peer of [...this.peers]) this.disconnect(peer);
    this.network.delete(this.self);
  }

  private async deliver(peer: MemberId, act: (other: MemoryTransport) => void): Promise<void> {
    if (!this.peers.has(peer))
      throw new MeshError("closed", `Cannot send to ${peer}: not connected.`);
    const other = this.network.get(peer);
    queueMicrotask(() => {
      if (other?.peers.has(this.self)) act(other);
    });
    await Promise.resolve();
  }
}

/** The two ends of a frame channel: `a` holds the end that leads to `b`, and the reverse. */
export function memoryFramePorts(a: MemberId, b: MemberId): [FramePort, FramePort] {
  const toB = new MemoryFramePort(b);
  const toA = new MemoryFramePort(a);
  toB.other = toA;
  toA.other = toB;
  return [toB, toA];
}

class MemoryFramePort implements FramePort {
  readonly peer: MemberId;
  other: MemoryFramePort | null = null;
  onFrame: FramePort["onFrame"] = null;
  onClose: FramePort["onClose"] = null;

  constructor(peer: MemberId) {
    this.peer = peer;
  }

  async send(frame: Uint8Array<ArrayBuffer>): Promise<void> {
    const { other } = this;
    if (other === null)
      throw new MeshError("closed", `Cannot send to ${this.peer}: the channel was closed.`);
    const copy = frame.slice();
    queueMicrotask(() => other.onFrame?.(copy));
    await Promise.resolve();
  }

  close(): void {
    const { other } = this;
    if (other === null) return;
    this.other = other.other = null;
    this.onClose?.("closed by this tab");
    other.onClose?.("the channel was closed");
  }
}
