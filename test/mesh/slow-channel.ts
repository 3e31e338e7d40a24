import type { SliceChannel } from "../../src/mesh/frame-port.ts";

/** Keeps what is sent until `drain`: how a data channel behaves on a slow link. */
export class SlowChannel extends EventTarget implements SliceChannel {
  readyState: RTCDataChannelState = "open";
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  binaryType: BinaryType = "arraybuffer";
  readonly sent: Uint8Array<ArrayBuffer>[] = [];

  send(message: Uint8Array<ArrayBuffer>): void {
    if (this.readyState !== "open") throw new DOMException("not open", "InvalidStateError");
    this.sent.push(message);
    this.bufferedAmount += message.length;
  }
  drain(): void {
    this.bufferedAmount = 0;
    this.dispatchEvent(new Event("bufferedamountlow"));
  }
  change(state: RTCDataChannelState, event: string): void {
    this.readyState = state;
    this.dispatchEvent(new Event(event));
  }
  close(): void {
    if (this.readyState !== "closed") this.change("closed", "close");
  }
}
