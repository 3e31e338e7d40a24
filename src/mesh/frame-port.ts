/**
 * A `FramePort` over a data channel, or over anything that behaves like one.
 * Works in a page and in a worker that was given the channel.
 *
 * `send` resolves when the channel has room again, so that a slow peer slows its
 * sender. No timer: room is announced by the channel's own event.
 */
import type { MemberId } from "../shared/ids.ts";
import { MeshError } from "./errors.ts";
import { MAX_FRAME_BYTES } from "./frames.ts";
import { Reassembly, SLICE_BYTES, slices } from "./slices.ts";
import type { FramePort } from "./types.ts";
import { errorMessage } from "../shared/error-message.ts";

/** What of an `RTCDataChannel` is used here. */
export type SliceChannel = Pick<
  RTCDataChannel,
  "readyState" | "bufferedAmount" | "bufferedAmountLowThreshold" | "binaryType" | "close"
> & {
  send(message: Uint8Array<ArrayBuffer>): void;
  addEventListener(type: string, listener: (event: Event) => void): void;
};

/**
 * Bytes waiting in the browser above which a sender pauses: several round trips'
 * worth on a fast link, and far below the 16 MiB at which Chromium throws.
 */
export const HIGH_WATER_BYTES = 1024 * 1024;
/** Where it goes on: early enough that the link never runs dry. */
export const LOW_WATER_BYTES = 256 * 1024;

/** Frames that may come before anybody listens: a few, since a hostile peer could send for ever. */
const MAX_EARLY_FRAMES = 64;

export type FramePortOptions = {
  readonly maxFrameBytes?: number;
  readonly sliceBytes?: number;
};

/**
 * Takes over `channel`. A message that breaks the framing closes it, and
 * `onClose` says why. Frames that come before `onFrame` is set wait for it.
 */
export function framePort(
  peer: MemberId,
  channel: SliceChannel,
  options: FramePortOptions = {},
): FramePort {
  return new ChannelFramePort(peer, channel, options);
}

class ChannelFramePort implements FramePort {
  readonly peer: MemberId;
  private readonly channel: SliceChannel;
  private readonly sliceBytes: number;
  private readonly reassembly: Reassembly;
  private readonly waiting: (() => void)[] = [];
  private early: Uint8Array<ArrayBuffer>[] = [];
  private frameListener: FramePort["onFrame"] = null;
  private closeListener: FramePort["onClose"] = null;
  private closedBecause: string | null = null;
  /** Set while a large frame is on its way: its slices must not mix with another's. */
  private sending: Promise<void> | null = null;

  constructor(peer: MemberId, channel: SliceChannel, options: FramePortOptions) {
    this.peer = peer;
    this.channel = channel;
    this.sliceBytes = options.sliceBytes ?? SLICE_BYTES;
    this.reassembly = new Reassembly(options.maxFrameBytes ?? MAX_FRAME_BYTES);
    channel.binaryType = "arraybuffer";
    channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
    channel.addEventListener("message", (event) => this.take((event as MessageEvent).data));
    channel.addEventListener("open", () => this.wake());
    channel.addEventListener("bufferedamountlow", () => this.wake());
    channel.addEventListener("close", () => this.closed("the channel was closed"));
    channel.addEventListener("error", (event) => {
      const { error } = event as RTCErrorEvent;
      this.closed(`the channel failed: ${error?.message ?? "no reason given"}`);
    });
    if (channel.readyState === "closed") this.closed("the channel was closed");
  }

  set onFrame(listener: FramePort["onFrame"]) {
    this.frameListener = listener;
    const early = this.early;
    this.early = [];
    early.forEach((frame) => this.frameListener?.(frame));
  }
  get onFrame(): FramePort["onFrame"] {
    return this.frameListener;
  }

  set onClose(listener: FramePort["onClose"]) {
    this.closeListener = listener;
    if (this.closedBecause !== null) listener?.(this.closedBecause);
  }
  get onClose(): FramePort["onClose"] {
    return this.closeListener;
  }

  send(frame: Uint8Array<ArrayBuffer>): Promise<void> {
    const sent =
      this.sending === null ? this.sendNow(frame) : this.sending.then(() => this.sendNow(frame));
    const settled = sent
      .catch(() => undefined)
      .then(() => {
        if (this.sending === settled) this.sending = null;
      });
    this.sending = settled;
    return sent;
  }

  close(): void {
    this.closed("closed by this tab");
  }

  private async sendNow(frame: Uint8Array<ArrayBuffer>): Promise<void> {
    for (const slice of slices(frame, this.sliceBytes)) {
      while (!this.hasRoom()) await this.room();
      this.channel.send(slice);
    }
    while (!this.hasRoom()) await this.room();
  }

  /** Throws once the channel is closed, so that nobody waits for it for ever. */
  private hasRoom(): boolean {
    if (this.closedBecause !== null)
      throw new MeshError("closed", `Cannot send to ${this.peer}: ${this.closedBecause}.`);
    return this.channel.readyState === "open" && this.channel.bufferedAmount <= HIGH_WATER_BYTES;
  }

  private room(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    this.waiting.splice(0).forEach((resolve) => resolve());
  }

  private take(data: unknown): void {
    if (this.closedBecause !== null) return;
    try {
      if (!(data instanceof ArrayBuffer)) throw new TypeError("text where only bytes travel");
      const frame = this.reassembly.accept(new Uint8Array(data));
      if (frame === null) return;
      if (this.frameListener !== null) this.frameListener(frame);
      else if (this.early.push(frame) > MAX_EARLY_FRAMES)
        throw new RangeError("more frames than anybody waits for");
    } catch (error) {
      this.closed(`${this.peer} sent bytes that break the protocol: ${errorMessage(error)}`);
    }
  }

  private closed(reason: string): void {
    if (this.closedBecause !== null) return;
    this.closedBecause = reason;
    this.early = [];
    this.channel.close();
    this.wake();
    this.closeListener?.(reason);
  }
}
