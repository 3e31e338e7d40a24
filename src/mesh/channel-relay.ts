/**
 * How a worker gets a data channel: transferred, or piped through the page with
 * the same interface in browsers that cannot transfer one (Safari). The pipe costs
 * two hops between threads per message.
 */
import { type SliceChannel, HIGH_WATER_BYTES, LOW_WATER_BYTES } from "./frame-port.ts";

/** Whether this browser can transfer a data channel to a worker. */
export function canTransferChannels(): boolean {
  const connection = new RTCPeerConnection();
  const { port1, port2 } = new MessageChannel();
  try {
    const channel = connection.createDataChannel("probe");
    port1.postMessage(channel, [channel]);
    return true;
  } catch (error) {
    if (error instanceof DOMException || error instanceof TypeError) return false;
    throw error;
  } finally {
    port1.close();
    port2.close();
    connection.close();
  }
}

let transferable: boolean | null = null;

/** What to transfer to the worker for a new channel. Call it in the task that created the channel. */
export function channelForWorker(channel: RTCDataChannel): RTCDataChannel | MessagePort {
  transferable ??= canTransferChannels();
  return transferable ? channel : relayChannel(channel);
}

type ToWorker =
  | { readonly kind: "open" | "close" }
  | { readonly kind: "message"; readonly data: ArrayBuffer }
  /** Bytes that the page's channel has sent since the last report. */
  | { readonly kind: "sent"; readonly bytes: number };
type ToPage = { readonly kind: "send"; readonly data: ArrayBuffer } | { readonly kind: "close" };

/** In the page: pipes `channel` and returns the port that the worker wraps in `RelayedChannel`. */
export function relayChannel(channel: RTCDataChannel): MessagePort {
  const { port1, port2 } = new MessageChannel();
  const post = (message: ToWorker, transfer: Transferable[] = []) =>
    port1.postMessage(message, transfer);
  let bufferedBytes = 0;
  const report = () => {
    post({ kind: "sent", bytes: bufferedBytes - channel.bufferedAmount });
    bufferedBytes = channel.bufferedAmount;
  };
  channel.binaryType = "arraybuffer";
  channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
  channel.addEventListener("open", () => post({ kind: "open" }));
  channel.addEventListener("close", () => post({ kind: "close" }));
  channel.addEventListener("bufferedamountlow", report);
  channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    if (data instanceof ArrayBuffer) post({ kind: "message", data }, [data]);
    else channel.close();
  });
  port1.onmessage = ({ data }: MessageEvent<ToPage>) => {
    if (data.kind === "close") channel.close();
    else if (channel.readyState === "open") {
      channel.send(data.data);
      bufferedBytes += data.data.byteLength;
      if (channel.bufferedAmount <= LOW_WATER_BYTES) report();
    }
  };
  if (channel.readyState === "open") post({ kind: "open" });
  if (channel.readyState === "closed") post({ kind: "close" });
  return port2;
}

/** In the worker: the other end of `relayChannel`. */
export class RelayedChannel extends EventTarget implements SliceChannel {
  readyState: RTCDataChannelState = "connecting";
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  binaryType: BinaryType = "arraybuffer";
  readonly #port: MessagePort;

  constructor(port: MessagePort) {
    super();
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<ToWorker>) => this.#receive(data);
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    this.bufferedAmount += message.byteLength;
    this.#post({ kind: "send", data: message.buffer }, [message.buffer]);
  }

  close(): void {
    if (this.readyState === "closed") return;
    this.readyState = "closed";
    this.#post({ kind: "close" });
  }

  #post(message: ToPage, transfer: Transferable[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  #receive(message: ToWorker): void {
    switch (message.kind) {
      case "open":
        this.readyState = "open";
        this.dispatchEvent(new Event("open"));
        return;
      case "close":
        this.readyState = "closed";
        this.dispatchEvent(new Event("close"));
        return;
      case "message":
        this.dispatchEvent(new MessageEvent("message", { data: message.data }));
        return;
      case "sent": {
        const before = this.bufferedAmount;
        this.bufferedAmount -= message.bytes;
        if (before > HIGH_WATER_BYTES && this.bufferedAmount <= HIGH_WATER_BYTES)
          this.dispatchEvent(new Event("bufferedamountlow"));
      }
    }
  }
}
