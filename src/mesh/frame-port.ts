/**
 * A `FramePort` over a data channel or an object with the same interface. Works in
 * a page and in a worker that received the channel.
 *
 * `send` resolves when the channel has space, so that a slow peer slows its sender.
 * It uses no timer: the channel's own event reports space.
 */
import { detailOf, type MemberId, type CloseFailure } from "../shared/index.ts";
import { MAX_FRAME_BYTES } from "./frames.ts";
import { MeshError } from "./mesh-error.ts";
import { Reassembly, SLICE_BYTES, slices } from "./slices.ts";
import type { FramePort } from "./transport.ts";

/** The part of an `RTCDataChannel` that is used here. */
export type SliceChannel = Pick<
  RTCDataChannel,
  "readyState" | "bufferedAmount" | "bufferedAmountLowThreshold" | "binaryType" | "close"
> & {
  send(message: Uint8Array<ArrayBuffer>): void;
  addEventListener(type: string, listener: (event: Event) => void): void;
};

/**
 * A sender pauses above this many bytes in the browser's buffer: several round trips
 * on a fast link, and far below the 16 MiB at which Chromium throws.
 */
export const HIGH_WATER_BYTES = 1024 * 1024;
/** It resumes here, early enough that the link never idles. */
const LOW_WATER_BYTES = 256 * 1024;

/** What a waiting frame takes beside its bytes, in objects. Bounds in bytes include it, so that tiny frames do not fill memory. */
export const WAITING_FRAME_BYTES = 256;

/** Of frames that a peer has not read yet: two of the largest ones. */
const MAX_UNREAD_BYTES = 2 * MAX_FRAME_BYTES;

/** What a peer may send before there is a listener: a read of a model file, or a long prompt. */
export const MAX_EARLY_BYTES = 8 * 1024 * 1024;

/**
 * Takes over `channel`. A message that violates the framing closes it. Frames that arrive
 * while `onFrame` is null wait for it, up to `MAX_EARLY_BYTES`. More than `maxUnreadBytes` that the peer
 * does not read close the channel: for senders that do not wait for `send`.
 */
export class ChannelFramePort implements FramePort {
  readonly peer: MemberId;
  readonly #channel: SliceChannel;
  readonly #reassembly: Reassembly;
  readonly #waiting: (() => void)[] = [];
  #early: Uint8Array<ArrayBuffer>[] = [];
  #earlyBytes = 0;
  #frameListener: FramePort["onFrame"] = null;
  #closeListener: FramePort["onClose"] = null;
  #closed: CloseFailure | null = null;
  /** Set while a large frame is being sent: its slices must not mix with another's. */
  #sending: Promise<void> | null = null;
  readonly #maxUnreadBytes: number;
  #unreadBytes = 0;

  constructor(
    peer: MemberId,
    channel: SliceChannel,
    maxFrameBytes = MAX_FRAME_BYTES,
    maxUnreadBytes = MAX_UNREAD_BYTES,
  ) {
    this.peer = peer;
    this.#channel = channel;
    this.#maxUnreadBytes = maxUnreadBytes;
    this.#reassembly = new Reassembly(maxFrameBytes);
    channel.binaryType = "arraybuffer";
    channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
    channel.addEventListener("message", (event) => this.#receive((event as MessageEvent).data));
    channel.addEventListener("open", () => this.#wake());
    channel.addEventListener("bufferedamountlow", () => this.#wake());
    channel.addEventListener("close", () => this.#close({ reason: "channel_closed" }));
    channel.addEventListener("error", (event) => {
      const { error } = event as RTCErrorEvent;
      this.#close({ reason: "channel_failed", detail: detailOf(error?.message ?? "no details") });
    });
    if (channel.readyState === "closed") this.#close({ reason: "channel_closed" });
  }

  set onFrame(listener: FramePort["onFrame"]) {
    this.#frameListener = listener;
    if (listener === null) return;
    const early = this.#early;
    this.#early = [];
    this.#earlyBytes = 0;
    early.forEach((frame) => this.#deliver(frame));
  }

  set onClose(listener: FramePort["onClose"]) {
    this.#closeListener = listener;
    if (this.#closed !== null) listener?.(this.#closed);
  }

  send(frame: Uint8Array<ArrayBuffer>): Promise<void> {
    const bytes = frame.byteLength + WAITING_FRAME_BYTES;
    this.#unreadBytes += bytes;
    if (this.#unreadBytes > this.#maxUnreadBytes) {
      const detail = `does not read ${this.#unreadBytes} bytes`;
      this.#close({ reason: "protocol_violation", peer: this.peer, detail });
    }
    const sent =
      this.#sending === null
        ? this.#sendNow(frame)
        : this.#sending.then(() => this.#sendNow(frame));
    const settled = sent
      .catch(() => undefined)
      .then(() => {
        this.#unreadBytes -= bytes;
        if (this.#sending === settled) this.#sending = null;
      });
    this.#sending = settled;
    return sent;
  }

  close(): void {
    this.#close({ reason: "closed_by_this_tab" });
  }

  async #sendNow(frame: Uint8Array<ArrayBuffer>): Promise<void> {
    for (const slice of slices(frame, SLICE_BYTES)) {
      while (!this.#hasSpace()) await this.#space();
      this.#channel.send(slice);
    }
    while (!this.#hasSpace()) await this.#space();
  }

  /** Throws once the channel is closed, so that no sender waits forever. */
  #hasSpace(): boolean {
    if (this.#closed !== null)
      throw new MeshError({ reason: "send_failed", peer: this.peer, cause: this.#closed });
    return this.#channel.readyState === "open" && this.#channel.bufferedAmount <= HIGH_WATER_BYTES;
  }

  #space(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    this.#waiting.splice(0).forEach((resolve) => resolve());
  }

  #receive(data: unknown): void {
    if (this.#closed !== null) return;
    try {
      if (!(data instanceof ArrayBuffer)) throw new TypeError("text on a channel for bytes");
      const frame = this.#reassembly.accept(new Uint8Array(data));
      if (frame === null) return;
      this.#deliver(frame);
    } catch (error) {
      this.#close({ reason: "protocol_violation", peer: this.peer, detail: detailOf(error) });
    }
  }

  #deliver(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#frameListener !== null) return this.#frameListener(frame);
    this.#earlyBytes += frame.byteLength + WAITING_FRAME_BYTES;
    if (this.#earlyBytes > MAX_EARLY_BYTES)
      throw new RangeError(`more than ${MAX_EARLY_BYTES} bytes that nobody takes yet`);
    this.#early.push(frame);
  }

  #close(cause: CloseFailure): void {
    if (this.#closed !== null) return;
    this.#closed = cause;
    this.#early = [];
    this.#channel.close();
    this.#wake();
    this.#closeListener?.(cause);
  }
}
