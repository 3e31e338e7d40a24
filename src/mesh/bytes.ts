/**
 * Writing and reading little-endian numbers in order. The reader checks every
 * length before it allocates, so that a hostile count costs nothing.
 */
import { ProtocolError } from "./mesh-error.ts";

const utf8 = new TextEncoder();
const utf8Strict = new TextDecoder("utf-8", { fatal: true });

/** Grows by doubling. `finish` returns the bytes without a copy if they fit exactly. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView<ArrayBuffer>;
  #length = 0;

  constructor(expectedBytes = 256) {
    this.#bytes = new Uint8Array(expectedBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#view.setUint8(at, value);
  }
  u16(value: number): void {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, true);
  }
  u32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }
  f32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setFloat32(at, value, true);
  }
  f64(value: number): void {
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value, true);
  }
  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }
  u32s(values: Uint32Array): void {
    const at = this.#reserve(values.length * 4);
    values.forEach((value, index) => this.#view.setUint32(at + index * 4, value, true));
  }
  /** At most 65,535 bytes of UTF-8; longer text is truncated at a character. */
  text(text: string): void {
    const bytes = new Uint8Array(Math.min(0xffff, text.length * 3));
    const { written } = utf8.encodeInto(text, bytes);
    this.u16(written);
    this.raw(bytes.subarray(0, written));
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#length);
  }

  /** May replace `#bytes` and `#view`: call it before reading them. */
  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

/** Throws `ProtocolError` on a short frame, on leftover bytes, and on text that is not UTF-8. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }
  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }
  f32(): number {
    return this.#view.getFloat32(this.#take(4), true);
  }
  f64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }
  /** A copy, aligned for every number type. */
  raw(count: number): Uint8Array<ArrayBuffer> {
    const at = this.#take(count);
    const copy = new Uint8Array(count);
    copy.set(this.#bytes.subarray(at, at + count));
    return copy;
  }
  u32s(count: number): Uint32Array<ArrayBuffer> {
    const at = this.#take(count * 4);
    return Uint32Array.from({ length: count }, (_, index) =>
      this.#view.getUint32(at + index * 4, true),
    );
  }
  text(): string {
    const length = this.u16();
    try {
      return utf8Strict.decode(this.raw(length));
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      throw new ProtocolError("text that is not UTF-8");
    }
  }

  end(): void {
    if (this.remaining > 0) throw new ProtocolError(`${this.remaining} bytes after the end`);
  }

  #take(count: number): number {
    if (count > this.remaining)
      throw new ProtocolError(`too short: ${count} bytes wanted, ${this.remaining} left`);
    const at = this.#at;
    this.#at += count;
    return at;
  }
}
