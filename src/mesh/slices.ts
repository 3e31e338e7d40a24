/**
 * Splits a frame into messages that a data channel accepts, and reassembles it.
 * The channel is ordered and reliable; the peer may be hostile.
 *
 *   whole     u8 0, payload
 *   first     u8 1, u32 total bytes, payload
 *   further   u8 2, payload
 *
 * Knows neither channels nor what a frame means.
 */
import { ProtocolError } from "./mesh-error.ts";

/**
 * Bytes of a message: the maximum that every browser accepts. Larger slices are
 * faster for frames of 1 MB or more; docs/protocol.md has the measurement.
 */
export const SLICE_BYTES = 64 * 1024;

const WHOLE = 0;
const FIRST = 1;
const FURTHER = 2;

/** The messages of one frame, in order. */
export function* slices(
  frame: Uint8Array,
  sliceBytes = SLICE_BYTES,
): Generator<Uint8Array<ArrayBuffer>> {
  if (frame.length + 1 <= sliceBytes) {
    yield tagged(WHOLE, frame);
    return;
  }
  const firstBytes = sliceBytes - 5;
  const first = new Uint8Array(sliceBytes);
  first[0] = FIRST;
  new DataView(first.buffer).setUint32(1, frame.length, true);
  first.set(frame.subarray(0, firstBytes), 5);
  yield first;
  for (let at = firstBytes; at < frame.length; at += sliceBytes - 1)
    yield tagged(FURTHER, frame.subarray(at, at + sliceBytes - 1));
}

function tagged(tag: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(payload.length + 1);
  message[0] = tag;
  message.set(payload, 1);
  return message;
}

/** Of the buffer of a frame that grows: at most twice what the peer sent. */
const MIN_BUFFER_BYTES = 1024;

/**
 * Returns a frame once its last message has arrived, otherwise null. Holds at most twice
 * what the peer sent, however small its slices are: an announced length allocates nothing. Throws
 * `ProtocolError` on a frame above `maxBytes` and on messages out of order.
 */
export class Reassembly {
  #buffer = new Uint8Array(0);
  #totalBytes = 0;
  #heldBytes = 0;
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  accept(message: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null {
    const open = this.#totalBytes > 0;
    const tag = message[0];
    if (tag === WHOLE && !open) {
      if (message.length - 1 > this.#maxBytes) throw this.#tooLarge(message.length - 1);
      return message.slice(1);
    }
    if (tag === FIRST && !open && message.length > 5) return this.#begin(message);
    if (tag === FURTHER && open && message.length > 1) return this.#add(message.subarray(1));
    throw new ProtocolError(`a message out of order (tag ${tag ?? "missing"})`);
  }

  #begin(message: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null {
    const total = new DataView(message.buffer, message.byteOffset).getUint32(1, true);
    if (total > this.#maxBytes) throw this.#tooLarge(total);
    if (total === 0) throw new ProtocolError("a sliced frame of no bytes");
    this.#totalBytes = total;
    return this.#add(message.subarray(5));
  }

  #add(part: Uint8Array): Uint8Array<ArrayBuffer> | null {
    const before = this.#heldBytes;
    this.#heldBytes += part.length;
    if (this.#heldBytes > this.#totalBytes)
      throw new ProtocolError(`${this.#heldBytes} bytes for a frame of ${this.#totalBytes}`);
    this.#makeSpace();
    this.#buffer.set(part, before);
    if (this.#heldBytes < this.#totalBytes) return null;
    const frame = this.#buffer;
    this.#buffer = new Uint8Array(0);
    this.#totalBytes = this.#heldBytes = 0;
    return frame;
  }

  /** A frame that is complete fills its buffer. */
  #makeSpace(): void {
    if (this.#heldBytes <= this.#buffer.length) return;
    const wanted = Math.max(MIN_BUFFER_BYTES, 2 * this.#heldBytes);
    const larger = new Uint8Array(Math.min(wanted, this.#totalBytes));
    larger.set(this.#buffer);
    this.#buffer = larger;
  }

  #tooLarge(bytes: number): ProtocolError {
    return new ProtocolError(`a frame of ${bytes} bytes; at most ${this.#maxBytes} are allowed`);
  }
}
