/**
 * The hidden rows that a stage has computed for the next one, by generation: what a new holder of the
 * next layers needs to catch up. Kept as f32: rounded to f16 they would be other numbers than the lost
 * stage computed on, and an answer could continue with other tokens.
 *
 * Rows are kept from position 0 on without a gap. When the bytes of all generations reach the limit,
 * those that are waiting for a new attempt are dropped by the caller; then further rows are not kept.
 */

/** Of all generations of a stage: 8,192 tokens of a model with 2,048 numbers per row. */
export const MAX_SAVED_BYTES = 64 * 1024 * 1024;

/** Positions for which space is made at first. */
const FIRST_ROWS = 64;

/** The bytes that all `SavedRows` of a stage share. */
export class SavedBytes {
  readonly #max: number;
  #used = 0;

  constructor(max = MAX_SAVED_BYTES) {
    this.#max = max;
  }

  get used(): number {
    return this.#used;
  }

  /** False if the limit does not allow it. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.#max) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}

export class SavedRows {
  readonly #bytes: SavedBytes;
  #rows = new Float32Array(0);
  #width = 0;
  #end = 0;

  constructor(bytes: SavedBytes) {
    this.#bytes = bytes;
  }

  /** Rows `[0, end)` are kept. */
  get end(): number {
    return this.#end;
  }

  /** Rows from `position` on, which replace those that were kept from there on. */
  add(position: number, width: number, rows: Float32Array): void {
    if (position > this.#end || (this.#end > 0 && width !== this.#width)) return;
    this.#width = width;
    const needed = position * width + rows.length;
    if (needed > this.#rows.length && !this.#grow(needed)) {
      this.#end = Math.min(this.#end, position);
      return;
    }
    this.#rows.set(rows, position * width);
    this.#end = needed / width;
  }

  /** The rows `[from, to)`, which must be kept; a view that the next `add` may change. */
  read(from: number, to: number): Float32Array<ArrayBuffer> {
    if (from < 0 || to > this.#end || from > to)
      throw new RangeError(`rows [${from}, ${to}) of ${this.#end}`);
    return this.#rows.subarray(from * this.#width, to * this.#width);
  }

  clear(): void {
    this.#bytes.give(this.#rows.byteLength);
    this.#rows = new Float32Array(0);
    this.#end = 0;
  }

  /** Doubles, so that a row is copied a constant number of times. */
  #grow(needed: number): boolean {
    const length = Math.max(needed, 2 * this.#rows.length, FIRST_ROWS * this.#width);
    const bytes = (length - this.#rows.length) * Float32Array.BYTES_PER_ELEMENT;
    if (!this.#bytes.take(bytes)) return false;
    const rows = new Float32Array(length);
    rows.set(this.#rows);
    this.#rows = rows;
    return true;
  }
}
