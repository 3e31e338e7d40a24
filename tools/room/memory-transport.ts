/**
 * A transport within one process, for tests of the modules above the mesh. It keeps
 * the same promises (order, asynchrony, copies) without a network.
 */
import {
  type CloseFailure,
  createRoomSecret,
  type MemberId,
  RoomCode,
  SYSTEM_CLOCK,
} from "../../src/shared/index.ts";
import {
  type Admission,
  createAdmission,
  type Handshake,
  openHandshake,
  PROTOCOL_VERSION,
  type ProvenBy,
  sortedFingerprints,
  TransportListeners,
  MeshError,
  type FramePort,
  type Transport,
} from "../../src/mesh/index.ts";

export type MemoryTab = {
  readonly admission?: Admission;
  readonly protocol?: number;
  /** The peer's certificate, as this tab receives it: its id, unless someone in between replaced it. */
  readonly certificateOf?: (peer: MemberId) => string;
};

/** Members that can reach each other. Each `join` adds one, by default with the room's secret. */
export class MemoryNetwork {
  readonly code: RoomCode;
  readonly secret = createRoomSecret();
  readonly #members = new Map<MemberId, MemoryTransport>();

  constructor(code = RoomCode.parse("ABCDEF")) {
    this.code = code;
  }

  join(self: MemberId, tab: MemoryTab = {}): Transport {
    const admission = tab.admission ?? createAdmission(this.code, this.secret, SYSTEM_CLOCK);
    const transport = new MemoryTransport(self, { ...tab, admission }, this.#members);
    this.#members.set(self, transport);
    return transport;
  }
}

class MemoryTransport implements Transport {
  readonly self: MemberId;
  readonly events = new TransportListeners();
  readonly peers = new Map<MemberId, ProvenBy>();
  readonly #tab: MemoryTab & { readonly admission: Admission };
  readonly #network: Map<MemberId, MemoryTransport>;

  constructor(
    self: MemberId,
    tab: MemoryTab & { readonly admission: Admission },
    network: Map<MemberId, MemoryTransport>,
  ) {
    this.self = self;
    this.#tab = tab;
    this.#network = network;
  }

  /** The handshake of the real transport, over microtasks. */
  async connect(peer: MemberId): Promise<void> {
    if (this.peers.has(peer)) return;
    await Promise.resolve();
    const other = this.#network.get(peer);
    if (other === undefined) throw new MeshError({ reason: "no_such_peer", peer });
    await new Promise<void>((resolve, reject) => {
      const fail = (failure: CloseFailure) => reject(new MeshError(failure));
      const caller = this.#handshake("caller", other, () => callee, resolve, fail);
      const callee = other.#handshake(
        "callee",
        this,
        () => caller,
        () => undefined,
        (failure) => {
          other.events.refuse.emit(this.self, failure);
          fail(failure);
        },
      );
      caller.start();
      callee.start();
    });
  }

  #handshake(
    role: "caller" | "callee",
    other: MemoryTransport,
    otherEnd: () => Handshake,
    onReady: () => void,
    onRefused: (failure: CloseFailure) => void,
  ): Handshake {
    const peer = other.self;
    return openHandshake({
      self: this.self,
      peer,
      role,
      admission: this.#tab.admission,
      protocol: this.#tab.protocol ?? PROTOCOL_VERSION,
      fingerprints: () => sortedFingerprints(this.self, this.#tab.certificateOf?.(peer) ?? peer),
      tell: (message) => {
        const text = JSON.stringify(message);
        queueMicrotask(() => otherEnd().receive(JSON.parse(text)));
      },
      onProven: (provenBy) => {
        const areHere = [this, other].every((tab) => this.#network.get(tab.self) === tab);
        if (!areHere) return onRefused({ reason: "no_such_peer", peer });
        const isNew = !this.peers.has(peer);
        this.peers.set(peer, provenBy);
        if (isNew) this.events.connect.emit(peer);
        onReady();
      },
      onRefused,
    });
  }

  provenBy(peer: MemberId): ProvenBy | null {
    return this.peers.get(peer) ?? null;
  }

  async send(peer: MemberId, message: unknown): Promise<void> {
    const text = JSON.stringify(message);
    await this.#deliver(peer, (other) => other.events.message.emit(this.self, JSON.parse(text)));
  }

  async sendBytes(peer: MemberId, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const copy = bytes.slice();
    await this.#deliver(peer, (other) => other.events.bytes.emit(this.self, copy));
  }

  disconnect(peer: MemberId): void {
    if (!this.peers.delete(peer)) return;
    const other = this.#network.get(peer);
    this.events.disconnect.emit(peer, { reason: "closed_by_this_tab" });
    if (other?.peers.delete(this.self))
      other.events.disconnect.emit(this.self, { reason: "closed_by_peer" });
  }

  check(): void {
    // Every peer in memory answers.
  }

  dropSilent(): boolean {
    return false;
  }

  connectedPeers(): readonly MemberId[] {
    return [...this.peers.keys()];
  }

  close(): void {
    for (const peer of [...this.peers.keys()]) this.disconnect(peer);
    this.#network.delete(this.self);
  }

  async #deliver(peer: MemberId, act: (other: MemoryTransport) => void): Promise<void> {
    if (!this.peers.has(peer)) throw new MeshError({ reason: "not_connected", peer });
    const other = this.#network.get(peer);
    queueMicrotask(() => {
      if (other?.peers.has(this.self)) act(other);
    });
    await Promise.resolve();
  }
}

/** The two ends of a frame channel: the port of `a`, which leads to `b`, and the port of `b`. */
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
  onClose: FramePort["onClose"] = null;
  #onFrame: FramePort["onFrame"] = null;
  #early: Uint8Array<ArrayBuffer>[] = [];

  constructor(peer: MemberId) {
    this.peer = peer;
  }

  async send(frame: Uint8Array<ArrayBuffer>): Promise<void> {
    const { other, peer } = this;
    if (other === null)
      throw new MeshError({ reason: "send_failed", peer, cause: { reason: "channel_closed" } });
    const copy = frame.slice();
    queueMicrotask(() => other.#take(copy));
    await Promise.resolve();
  }

  get onFrame(): FramePort["onFrame"] {
    return this.#onFrame;
  }
  set onFrame(listener: FramePort["onFrame"]) {
    this.#onFrame = listener;
    if (listener !== null) this.#early.splice(0).forEach((frame) => this.#take(frame));
  }

  #take(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#onFrame !== null) this.#onFrame(frame);
    else this.#early.push(frame);
  }

  close(): void {
    const { other } = this;
    if (other === null) return;
    this.other = other.other = null;
    this.onClose?.({ reason: "closed_by_this_tab" });
    other.onClose?.({ reason: "channel_closed" });
  }
}
