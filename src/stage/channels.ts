/**
 * The frame channels of one worker: a port per peer, a loopback for frames to itself,
 * and pings. Frames of a peer that is not a member wait in its port for a short time, because the room's
 * log may be behind; after that `frame-intake.ts` refuses them. A peer loses its channel if its bytes do
 * not decode. Knows no generations.
 *
 * Over 250 lines: what a peer's frames wait for, and what closes its channel, share the channel's state.
 */
import {
  decode,
  encode,
  type Frame,
  type PingFrame,
  measureLink,
  type LinkQuality,
  MeshError,
  ProtocolError,
  type FramePort,
} from "../mesh/index.ts";
import {
  type Clock,
  type CloseFailure,
  detailOf,
  type MemberId,
  SYSTEM_CLOCK,
} from "../shared/index.ts";
import type { StageFrame } from "./frame-intake.ts";
import { type Silence, SilenceWatch } from "./silence-watch.ts";

export type ChannelListeners = {
  onFrame(from: MemberId, frame: StageFrame): void;
  onClose(peer: MemberId, cause: CloseFailure): void;
  onSilence(silence: Silence): void;
};

type WaitingPing = {
  readonly peer: MemberId;
  readonly sentAtMs: number;
  readonly timeoutMs: number;
  readonly resolve: (milliseconds: number) => void;
  readonly reject: (error: Error) => void;
};

/** No pong comes after this long: the measurement of a slow link sends 256 KiB. */
const PING_TIMEOUT_MS = 10_000;
/** A channel that works brings a pong within several round trips. */
const READY_TIMEOUT_MS = 3000;
/** A peer that was heard this lately need not be asked. */
const HEARD_LATELY_MS = 1000;
/** Of pings that nobody waits for. */
const NO_NONCE = 0;
/** The room's log is behind by a few messages at most. */
const STRANGER_MS = 3000;

export class Channels {
  readonly #ports = new Map<MemberId, FramePort>();
  /** Ports to peers that have not completed the handshake. */
  readonly #kept = new Map<number, FramePort>();
  /** Ports of peers that are not members, and what ends the wait for them to become members. */
  readonly #strangers = new Map<FramePort, () => void>();
  #isMember: (peer: MemberId) => boolean = () => false;
  readonly #pings = new Map<number, WaitingPing>();
  readonly #listeners: ChannelListeners;
  readonly #clock: Clock;
  #self: MemberId | null = null;
  #lastNonce = NO_NONCE;
  readonly #silence = new SilenceWatch();
  /** Ports whose last ping has not left the buffer. */
  readonly #pinging = new Set<FramePort>();

  constructor(listeners: ChannelListeners, clock = SYSTEM_CLOCK) {
    this.#listeners = listeners;
    this.#clock = clock;
  }

  get self(): MemberId {
    if (this.#self === null) throw new Error("no frame is taken before this tab has an id");
    return this.#self;
  }

  setSelf(self: MemberId): void {
    this.#self = self;
  }

  /** There is a channel. */
  get isOpen(): boolean {
    return this.#ports.size > 0;
  }

  /** After each `lookMs`: pings every member, and reports those that were silent for too long. */
  look(lookMs: number): void {
    const nowMs = this.#clock.nowMs();
    for (const [nonce, { peer, sentAtMs, timeoutMs }] of [...this.#pings])
      if (nowMs - sentAtMs > timeoutMs) this.#rejectPing(nonce, { reason: "peer_silent", peer });
    for (const silence of this.#silence.look(lookMs)) this.#listeners.onSilence(silence);
    for (const port of this.#ports.values()) {
      if (this.#pinging.has(port) || !this.#isMember(port.peer)) continue;
      this.#pinging.add(port);
      port
        .send(encode(pingFrame(NO_NONCE, new Uint8Array(0), false)))
        .catch(() => undefined) // the end of its channel is reported
        .finally(() => this.#pinging.delete(port));
    }
  }

  /** Resolves when the channel to `peer` works. Rejects with a `MeshError` without one, or if nothing comes back. */
  async ready(peer: MemberId): Promise<void> {
    if (peer === this.#self || this.#silence.isPresent(peer, HEARD_LATELY_MS)) return;
    await this.ping(peer, 0, false, READY_TIMEOUT_MS);
  }

  /** Its bytes wait until the port is taken and added. */
  keep(key: number, port: FramePort): void {
    this.#kept.set(key, port);
    port.onClose = () => this.#kept.delete(key);
  }

  /** null if it has closed. */
  takeKept(key: number): FramePort | null {
    const port = this.#kept.get(key) ?? null;
    this.#kept.delete(key);
    return port;
  }

  /** Replaces the peer's port, if it has one. */
  add(port: FramePort): void {
    const { peer } = port;
    this.remove(peer, { reason: "replaced_connection" });
    this.#ports.set(peer, port);
    port.onClose = (cause) => {
      if (this.#ports.get(peer) === port) this.#forget(peer, cause);
    };
    this.#gate(port);
  }

  /** Whose frames are taken from now on. */
  setMembers(isMember: (peer: MemberId) => boolean): void {
    this.#isMember = isMember;
    for (const port of [...this.#ports.values()]) this.#gate(port);
  }

  remove(peer: MemberId, cause: CloseFailure): void {
    const port = this.#ports.get(peer);
    if (port === undefined) return;
    this.#forget(peer, cause);
    port.close();
  }

  /** Resolves when the channel has space. Rejects with a `MeshError` without a channel. */
  async send(to: MemberId, frame: StageFrame): Promise<void> {
    if (to === this.#self) {
      queueMicrotask(() => this.#listeners.onFrame(to, frame));
      return;
    }
    await this.#sendTo(to, frame);
  }

  /** The link to this tab itself takes 0 ms and has no limit. */
  async measure(peer: MemberId, payloadBytes: number): Promise<LinkQuality> {
    if (peer === this.#self) return { roundTripMs: 0, bytesPerMs: Number.MAX_SAFE_INTEGER };
    return measureLink((bytes, echo) => this.ping(peer, bytes, echo), payloadBytes);
  }

  /** Milliseconds until the pong. Rejects with a `MeshError`. */
  ping(
    peer: MemberId,
    payloadBytes: number,
    echo: boolean,
    timeoutMs = PING_TIMEOUT_MS,
  ): Promise<number> {
    this.#lastNonce = (this.#lastNonce + 1) >>> 0 || 1;
    const nonce = this.#lastNonce;
    return new Promise((resolve, reject) => {
      this.#pings.set(nonce, { peer, sentAtMs: this.#clock.nowMs(), timeoutMs, resolve, reject });
      this.#sendTo(peer, pingFrame(nonce, new Uint8Array(payloadBytes), echo)).catch(
        (error: Error) => {
          this.#pings.delete(nonce);
          reject(error);
        },
      );
    });
  }

  async #sendTo(peer: MemberId, frame: Frame): Promise<void> {
    const port = this.#ports.get(peer);
    if (port === undefined) throw new MeshError({ reason: "not_connected", peer });
    await port.send(encode(frame));
  }

  /** Reads the frames of a member; those of others wait in the port. */
  #gate(port: FramePort): void {
    const read = () => (port.onFrame = (bytes) => this.#receive(port.peer, bytes));
    if (this.#isMember(port.peer)) {
      this.#stopWaiting(port);
      read();
    } else if (!this.#strangers.has(port)) {
      port.onFrame = null;
      this.#strangers.set(port, this.#clock.after(STRANGER_MS, read));
    }
  }

  #stopWaiting(port: FramePort): void {
    this.#strangers.get(port)?.();
    this.#strangers.delete(port);
  }

  #receive(peer: MemberId, bytes: Uint8Array): void {
    const frame = this.#decoded(peer, bytes);
    if (frame === null) return;
    const isMember = this.#isMember(peer);
    if (isMember) this.#silence.heard(peer);
    // A frame that comes before this tab is in the room was for the tab that had the same id before a reload.
    else if (this.#self === null) return;
    if (frame.type === "pong") this.#pong(peer, frame.nonce);
    else if (frame.type !== "ping") this.#listeners.onFrame(peer, frame);
    else if (isMember) this.#answer(peer, frame);
  }

  /** null if it is no frame. */
  #decoded(peer: MemberId, bytes: Uint8Array): Frame | null {
    try {
      return decode(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.remove(peer, { reason: "protocol_violation", peer, detail: detailOf(error) });
      return null;
    }
  }

  #answer(peer: MemberId, { nonce, echo, payload }: PingFrame): void {
    const echoed = echo ? payload : new Uint8Array(0);
    // If it cannot be sent, the channel is closed, which it reports itself.
    this.#sendTo(peer, { type: "pong", nonce, payload: echoed }).catch(() => undefined);
  }

  #pong(from: MemberId, nonce: number): void {
    const waiting = this.#pings.get(nonce);
    if (waiting?.peer !== from) return;
    this.#pings.delete(nonce);
    waiting.resolve(this.#clock.nowMs() - waiting.sentAtMs);
  }

  #forget(peer: MemberId, cause: CloseFailure): void {
    const port = this.#ports.get(peer);
    if (port !== undefined) this.#stopWaiting(port);
    this.#ports.delete(peer);
    this.#silence.forget(peer);
    for (const [nonce, waiting] of [...this.#pings])
      if (waiting.peer === peer) this.#rejectPing(nonce, cause);
    this.#listeners.onClose(peer, cause);
  }

  #rejectPing(nonce: number, cause: CloseFailure): void {
    const waiting = this.#pings.get(nonce);
    this.#pings.delete(nonce);
    waiting?.reject(new MeshError({ reason: "send_failed", peer: waiting.peer, cause }));
  }
}

function pingFrame(nonce: number, payload: Uint8Array<ArrayBuffer>, echo: boolean): PingFrame {
  return { type: "ping", nonce, echo, payload };
}
