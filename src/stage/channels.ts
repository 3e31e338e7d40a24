/**
 * The frame channels of one worker: a port per peer, a loopback for frames to itself,
 * and pings. Takes frames from members only: those of others wait for a short time, and are refused
 * then (`strangers.ts`). A peer loses its channel if its bytes do not decode, if too many of them wait, or
 * if it sends so much that wants an answer without reading the answers. Knows no generations.
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
import { refusalOf } from "./refusal.ts";
import { MAX_WAITING_BYTES, Strangers } from "./strangers.ts";

export type ChannelListeners = {
  onFrame(from: MemberId, frame: Frame): void;
  onClose(peer: MemberId, cause: CloseFailure): void;
};

type WaitingPing = {
  readonly peer: MemberId;
  readonly sentAtMs: number;
  readonly resolve: (milliseconds: number) => void;
  readonly reject: (error: Error) => void;
};

/** Of pongs and refusals that a peer has not read yet. */
export const MAX_UNREAD_BYTES = 8 * 1024 * 1024;

export class Channels {
  readonly #ports = new Map<MemberId, FramePort>();
  /** Ports to peers that have not completed the handshake. */
  readonly #kept = new Map<number, FramePort>();
  /** Bytes of answers that each port has not sent yet. */
  readonly #unread = new Map<FramePort, number>();
  #isMember: (peer: MemberId) => boolean = () => false;
  readonly #pings = new Map<number, WaitingPing>();
  readonly #listeners: ChannelListeners;
  readonly #clock: Clock;
  readonly #strangers: Strangers;
  #self: MemberId | null = null;
  #lastNonce = 0;

  constructor(listeners: ChannelListeners, clock = SYSTEM_CLOCK) {
    this.#listeners = listeners;
    this.#clock = clock;
    this.#strangers = new Strangers(clock.after, (port, bytes) => this.#refuse(port, bytes));
  }

  get self(): MemberId {
    if (this.#self === null) throw new Error("no frame is taken before this tab has an id");
    return this.#self;
  }

  setSelf(self: MemberId): void {
    this.#self = self;
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
  async send(to: MemberId, frame: Frame): Promise<void> {
    if (to === this.#self) {
      queueMicrotask(() => this.#listeners.onFrame(to, frame));
      return;
    }
    const port = this.#ports.get(to);
    if (port === undefined) throw new MeshError({ reason: "not_connected", peer: to });
    await port.send(encode(frame));
  }

  /** Answers a frame of `to`, which may send more than it reads. */
  reply(to: MemberId, frame: Frame): void {
    const port = this.#ports.get(to);
    if (to === this.#self) void this.send(to, frame);
    else if (port !== undefined) this.#reply(port, frame);
  }

  /** The link to this tab itself takes 0 ms and has no limit. */
  async measure(peer: MemberId, payloadBytes: number): Promise<LinkQuality> {
    if (peer === this.#self) return { roundTripMs: 0, bytesPerMs: Number.MAX_SAFE_INTEGER };
    return measureLink((bytes, echo) => this.ping(peer, bytes, echo), payloadBytes);
  }

  ping(peer: MemberId, payloadBytes: number, echo: boolean): Promise<number> {
    this.#lastNonce = (this.#lastNonce + 1) >>> 0;
    const nonce = this.#lastNonce;
    const payload = new Uint8Array(payloadBytes);
    return new Promise((resolve, reject) => {
      this.#pings.set(nonce, { peer, sentAtMs: this.#clock.nowMs(), resolve, reject });
      const frame: PingFrame = { type: "ping", placement: 0, epoch: 0, nonce, echo, payload };
      this.send(peer, frame).catch((error: Error) => {
        this.#pings.delete(nonce);
        reject(error);
      });
    });
  }

  #gate(port: FramePort): void {
    if (!this.#isMember(port.peer)) {
      port.onFrame = (bytes) => this.#wait(port, bytes);
      return;
    }
    const waiting = this.#strangers.release(port);
    port.onFrame = (bytes) => this.#receive(port, bytes);
    waiting.forEach((bytes) => this.#receive(port, bytes));
  }

  #wait(port: FramePort, bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#strangers.add(port, bytes)) return;
    const { peer } = port;
    const detail = `more than ${MAX_WAITING_BYTES} bytes before it is a member`;
    this.remove(peer, { reason: "protocol_violation", peer, detail });
  }

  /** Of a tab that is not a member. A ping is about no generation, and gets no answer. */
  #refuse(port: FramePort, bytes: Uint8Array): void {
    this.#decoded(port, bytes, (frame) => {
      const refusal = refusalOf(frame, { reason: "sender_not_member", member: this.self });
      if (refusal !== null) this.#reply(port, refusal);
    });
  }

  #receive(port: FramePort, bytes: Uint8Array): void {
    this.#decoded(port, bytes, (frame) => {
      if (frame.type === "ping") this.#answer(port, frame);
      else if (frame.type === "pong") this.#pong(port.peer, frame.nonce);
      else this.#listeners.onFrame(port.peer, frame);
    });
  }

  #decoded(port: FramePort, bytes: Uint8Array, act: (frame: Frame) => void): void {
    const { peer } = port;
    try {
      act(decode(bytes));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.remove(peer, { reason: "protocol_violation", peer, detail: detailOf(error) });
    }
  }

  #answer(port: FramePort, { nonce, echo, payload }: PingFrame): void {
    const empty = new Uint8Array(0);
    const pong = { placement: 0, epoch: 0, nonce, payload: echo ? payload : empty };
    this.#reply(port, { type: "pong", ...pong });
  }

  #reply(port: FramePort, frame: Frame): void {
    const { peer } = port;
    const bytes = encode(frame);
    const unread = (this.#unread.get(port) ?? 0) + bytes.byteLength;
    if (unread > MAX_UNREAD_BYTES) {
      const detail = `does not read ${unread} bytes of answers`;
      return this.remove(peer, { reason: "protocol_violation", peer, detail });
    }
    this.#unread.set(port, unread);
    port
      .send(bytes)
      // If it cannot be sent, the channel is closed, which it reports itself.
      .catch(() => undefined)
      .finally(() => {
        const rest = (this.#unread.get(port) ?? 0) - bytes.byteLength;
        if (rest > 0) this.#unread.set(port, rest);
        else this.#unread.delete(port);
      });
  }

  #pong(from: MemberId, nonce: number): void {
    const waiting = this.#pings.get(nonce);
    if (waiting?.peer !== from) return;
    this.#pings.delete(nonce);
    waiting.resolve(this.#clock.nowMs() - waiting.sentAtMs);
  }

  #forget(peer: MemberId, cause: CloseFailure): void {
    const port = this.#ports.get(peer);
    if (port !== undefined) this.#strangers.release(port);
    this.#ports.delete(peer);
    for (const [nonce, waiting] of this.#pings) {
      if (waiting.peer !== peer) continue;
      this.#pings.delete(nonce);
      waiting.reject(new MeshError({ reason: "send_failed", peer, cause }));
    }
    this.#listeners.onClose(peer, cause);
  }
}
