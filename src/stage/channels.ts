/**
 * The frame channels of one worker: a port per peer, a loop for frames to
 * itself, pings answered and measured. Decodes what comes in; a peer whose bytes
 * do not decode loses its channel. Knows nothing of generations.
 */
import { MeshError, ProtocolError } from "../mesh/errors.ts";
import { decode, encode, type Frame, type PingFrame } from "../mesh/frames.ts";
import { measureLink, type LinkQuality } from "../mesh/link-measurement.ts";
import type { FramePort } from "../mesh/types.ts";
import type { MemberId } from "../shared/ids.ts";
import { errorMessage } from "../shared/error-message.ts";

export type ChannelListeners = {
  onFrame(from: MemberId, frame: Frame): void;
  onClose(peer: MemberId, reason: string): void;
};

type WaitingPing = {
  readonly peer: MemberId;
  readonly sentAtMs: number;
  readonly resolve: (milliseconds: number) => void;
  readonly reject: (reason: MeshError) => void;
};

export class Channels {
  private readonly ports = new Map<MemberId, FramePort>();
  private readonly pings = new Map<number, WaitingPing>();
  private readonly listeners: ChannelListeners;
  private self: MemberId | null = null;
  private lastNonce = 0;

  constructor(listeners: ChannelListeners) {
    this.listeners = listeners;
  }

  setSelf(self: MemberId): void {
    this.self = self;
  }

  /** Replaces the peer's port, if it has one. */
  add(port: FramePort): void {
    const { peer } = port;
    this.remove(peer, "the peer connected again");
    this.ports.set(peer, port);
    port.onClose = (reason) => {
      if (this.ports.get(peer) === port) this.forget(peer, reason);
    };
    port.onFrame = (bytes) => this.receive(port, bytes);
  }

  remove(peer: MemberId, reason: string): void {
    const port = this.ports.get(peer);
    if (port === undefined) return;
    this.forget(peer, reason);
    port.close();
  }

  /** Resolves when the channel has room for more. Rejects with a `MeshError` without a channel. */
  async send(to: MemberId, frame: Frame): Promise<void> {
    if (to === this.self) {
      queueMicrotask(() => this.listeners.onFrame(to, frame));
      return;
    }
    const port = this.ports.get(to);
    if (port === undefined) throw new MeshError("closed", `There is no channel to ${to}.`);
    await port.send(encode(frame));
  }

  /** To oneself no time passes and no bandwidth is used up: 0 ms, and no limit worth a name. */
  async measure(peer: MemberId, payloadBytes: number): Promise<LinkQuality> {
    if (peer === this.self) return { roundTripMs: 0, bytesPerMs: Number.MAX_SAFE_INTEGER };
    return measureLink((bytes, echo) => this.ping(peer, bytes, echo), payloadBytes);
  }

  ping(peer: MemberId, payloadBytes: number, echo: boolean): Promise<number> {
    this.lastNonce = (this.lastNonce + 1) >>> 0;
    const nonce = this.lastNonce;
    const payload = new Uint8Array(payloadBytes);
    return new Promise((resolve, reject) => {
      this.pings.set(nonce, { peer, sentAtMs: performance.now(), resolve, reject });
      const frame: PingFrame = { type: "ping", placement: 0, epoch: 0, nonce, echo, payload };
      this.send(peer, frame).catch((error: unknown) => {
        this.pings.delete(nonce);
        reject(error instanceof Error ? error : new MeshError("closed", String(error)));
      });
    });
  }

  private receive(port: FramePort, bytes: Uint8Array): void {
    try {
      const frame = decode(bytes);
      if (frame.type === "ping") this.answer(port, frame);
      else if (frame.type === "pong") this.pong(port.peer, frame.nonce);
      else this.listeners.onFrame(port.peer, frame);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.remove(
        port.peer,
        `${port.peer} sent a frame that breaks the protocol: ${errorMessage(error)}`,
      );
    }
  }

  private answer(port: FramePort, { nonce, echo, payload }: PingFrame): void {
    const empty = new Uint8Array(0);
    const pong = { placement: 0, epoch: 0, nonce, payload: echo ? payload : empty };
    // A pong that cannot be sent means a closed channel, which tells of itself.
    port.send(encode({ type: "pong", ...pong })).catch(() => undefined);
  }

  private pong(from: MemberId, nonce: number): void {
    const waiting = this.pings.get(nonce);
    if (waiting?.peer !== from) return;
    this.pings.delete(nonce);
    waiting.resolve(performance.now() - waiting.sentAtMs);
  }

  private forget(peer: MemberId, reason: string): void {
    this.ports.delete(peer);
    for (const [nonce, waiting] of this.pings) {
      if (waiting.peer !== peer) continue;
      this.pings.delete(nonce);
      waiting.reject(new MeshError("closed", `The channel to ${peer} closed: ${reason}.`));
    }
    this.listeners.onClose(peer, reason);
  }
}
