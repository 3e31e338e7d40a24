/** Links between simulated tabs: channels in order, a heartbeat on each side, and the frame ports. */
import {
  Heartbeat,
  HEARTBEAT_MS,
  MeshError,
  type FramePort,
  type TransportListeners,
} from "../../src/mesh/index.ts";
import type { Clock, CloseFailure, MemberId } from "../../src/shared/index.ts";
import type { Actor, World } from "./world.ts";

export type Channel = "control" | "bulk" | "frames";

/** ICE reports a path without an answer as disconnected. */
const IN_DOUBT_MS = 5000;

export type Node = {
  readonly id: MemberId;
  readonly actor: Actor;
  readonly clock: Clock;
  readonly addPort: (port: FramePort) => void;
};

/** What a link needs of the transport that it belongs to. */
export type LinkOwner = {
  readonly self: MemberId;
  readonly node: Node;
  readonly listeners: TransportListeners;
  readonly ends: Map<MemberId, End>;
  readonly network: {
    readonly world: World;
    hasPath(a: MemberId, b: MemberId): boolean;
    latencyMs(): number;
    /** The end has messages that wait for a path. */
    hold(end: End): void;
    release(end: End): void;
  };
};

/** One side of a link. */
export class End {
  readonly owner: LinkOwner;
  readonly peer: MemberId;
  other!: End;
  port: SimulatedPort;
  /** The frames channels that there have been before this one. */
  #renewed = 0;
  /** Frames on a channel that this side has not created yet. */
  #early: { readonly frame: Uint8Array<ArrayBuffer>; readonly channel: number }[] = [];
  #open = true;
  readonly #heartbeat = new Heartbeat();
  #silentSinceMs: number | null = null;
  #checking = false;
  #cancelTick: () => void = () => undefined;
  readonly #lastAtMs = { control: 0, bulk: 0, frames: 0 };
  readonly #channels = { control: {}, bulk: {}, frames: {} };
  #held: { readonly channel: Channel; readonly act: (end: End) => void }[] = [];

  constructor(owner: LinkOwner, peer: MemberId) {
    this.owner = owner;
    this.peer = peer;
    this.port = new SimulatedPort(this, 0);
    this.#tick();
  }

  get open(): boolean {
    return this.#open;
  }

  /** The other side gets it after everything that was sent before on this channel. */
  send(channel: Channel, act: (end: End) => void): void {
    const { world } = this.owner.network;
    const atMs = Math.max(this.#lastAtMs[channel], world.nowMs + this.owner.network.latencyMs());
    this.#lastAtMs[channel] = atMs;
    const delivery = { actor: this.other.owner.node.actor, channel: this.#channels[channel] };
    world.after(atMs - world.nowMs, () => this.#arrive(channel, act), delivery);
  }

  flush(): void {
    this.owner.network.release(this);
    const held = this.#held;
    this.#held = [];
    for (const { channel, act } of held) this.#arrive(channel, act);
  }

  close(cause: CloseFailure, causeForPeer: CloseFailure): void {
    if (!this.#open) return;
    this.send("control", (end) => end.#gone(causeForPeer));
    this.#gone(cause);
  }

  /** The peer's page answers from a message handler. */
  check(): void {
    this.#checking = true;
    this.send("control", (other) => other.send("control", (end) => (end.#checking = false)));
  }

  dropIfSilent(): boolean {
    if (this.#checking) this.#gone({ reason: "peer_silent", peer: this.peer });
    return this.#checking;
  }

  /** For example after a bad frame: the connection stays open. */
  closeFrames(): void {
    const cause = { reason: "channel_failed", detail: "simulated" } as const;
    for (const { port, owner } of [this, this.other]) {
      owner.network.world.deliver(owner.node.actor, () => port.ended(cause));
    }
  }

  /** Replaces the frames channel, on both sides. */
  renewFrames(): void {
    this.#renewTo(this.#renewed + 1);
  }

  receiveFrame(frame: Uint8Array<ArrayBuffer>, channel: number): void {
    if (channel === this.#renewed) this.port.receive(frame);
    else if (channel > this.#renewed) this.#early.push({ frame, channel });
  }

  #renewTo(count: number): void {
    this.#renewed = count;
    this.port = new SimulatedPort(this, count);
    this.owner.node.addPort(this.port);
    this.send("control", (other) => {
      if (other.#renewed < count) other.#renewTo(count);
    });
    const early = this.#early;
    this.#early = [];
    for (const { frame, channel } of early) this.receiveFrame(frame, channel);
  }

  /** Without notice to the other side. */
  discard(cause: CloseFailure): void {
    this.#gone(cause);
  }

  #arrive(channel: Channel, act: (end: End) => void): void {
    const { network } = this.owner;
    const { other } = this;
    if (
      !network.hasPath(this.owner.self, this.peer) ||
      this.#held.some((held) => held.channel === channel)
    ) {
      this.#held.push({ channel, act });
      network.hold(this);
      return;
    }
    network.world.deliver(other.owner.node.actor, () => {
      if (other.#open) act(other);
    });
  }

  #gone(cause: CloseFailure): void {
    if (!this.#open) return;
    this.#open = false;
    this.#cancelTick();
    if (this.owner.ends.get(this.peer) === this) this.owner.ends.delete(this.peer);
    this.port.ended(cause);
    this.owner.listeners.disconnect.emit(this.peer, cause);
  }

  #tick(): void {
    const { network, node } = this.owner;
    this.#cancelTick = node.clock.after(HEARTBEAT_MS, () => {
      const { world } = network;
      const other = this.other.owner.node.actor;
      const isThere = this.other.#open && network.hasPath(this.owner.self, this.peer);
      const heard = isThere && other.state === "running";
      if (heard) this.#heartbeat.heard();
      this.#silentSinceMs =
        isThere && other.state !== "dead" ? null : (this.#silentSinceMs ?? world.nowMs);
      const inDoubt =
        this.#silentSinceMs !== null && world.nowMs - this.#silentSinceMs > IN_DOUBT_MS;
      if (this.#heartbeat.tick(inDoubt) === "ping") return this.#tick();
      const cause = { reason: "peer_silent", peer: this.peer } as const;
      this.close(cause, { reason: "closed_by_peer" });
    });
  }
}

class SimulatedPort implements FramePort {
  readonly peer: MemberId;
  readonly #end: End;
  readonly #channel: number;
  #onFrame: FramePort["onFrame"] = null;
  /** Frames that came before there was a listener. */
  #early: Uint8Array<ArrayBuffer>[] = [];
  #onClose: FramePort["onClose"] = null;
  #closed: CloseFailure | null = null;

  constructor(end: End, channel: number) {
    this.#end = end;
    this.#channel = channel;
    this.peer = end.peer;
  }

  set onFrame(listener: FramePort["onFrame"]) {
    this.#onFrame = listener;
    if (listener) for (const frame of this.#early.splice(0)) this.#onFrame?.(frame);
  }
  get onFrame(): FramePort["onFrame"] {
    return this.#onFrame;
  }

  set onClose(listener: FramePort["onClose"]) {
    this.#onClose = listener;
    if (this.#closed) listener?.(this.#closed);
  }
  get onClose(): FramePort["onClose"] {
    return this.#onClose;
  }

  async send(frame: Uint8Array<ArrayBuffer>): Promise<void> {
    const { peer } = this;
    if (this.#closed) throw new MeshError({ reason: "send_failed", peer, cause: this.#closed });
    const copy = frame.slice();
    this.#end.send("frames", (end) => end.receiveFrame(copy, this.#channel));
    await Promise.resolve();
  }

  receive(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#closed) return;
    if (this.#onFrame) this.#onFrame(frame);
    else this.#early.push(frame);
  }

  close(): void {
    this.ended({ reason: "closed_by_this_tab" });
  }

  ended(cause: CloseFailure): void {
    if (this.#closed) return;
    this.#closed = cause;
    this.#onClose?.(cause);
  }
}

export function linkUp(caller: LinkOwner, called: LinkOwner): void {
  const ends = [new End(caller, called.self), new End(called, caller.self)] as const;
  ends[0].other = ends[1];
  ends[1].other = ends[0];
  for (const end of ends) {
    // An end that has not noticed that the old link is over.
    end.owner.ends.get(end.peer)?.discard({ reason: "replaced_connection" });
    end.owner.ends.set(end.peer, end);
    end.owner.node.addPort(end.port);
  }
  for (const end of [ends[1], ends[0]]) end.owner.listeners.connect.emit(end.peer);
}
