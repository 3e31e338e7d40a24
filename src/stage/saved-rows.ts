/**
 * The hidden rows that a stage has computed for the next one, of one generation: what a new holder of the
 * next layers needs to catch up. Kept as f32: rounded to f16 they would be other numbers than the lost
 * stage computed on, and an answer could continue with other tokens.
 *
 * Rows are kept from position 0 on without a gap, until they reach their limit.
 */

/**
 * Of a stage; each slot has an equal share. With the default settings, every token of the context of a
 * model with 4,096 numbers per row.
 */
export const MAX_SAVED_BYTES = 128 * 1024 * 1024;

/** Positions for which space is made at first. */
const FIRST_ROWS = 64;

export class SavedRows {
  /** Numbers, not bytes. */
  readonly #maxLength: number;
  #rows = new Float32Array(0);
  #width = 0;
  #end = 0;

  constructor(maxBytes: number) {
    this.#maxLength = Math.floor(maxBytes / Float32Array.BYTES_PER_ELEMENT);
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
    if (needed > this.#maxLength) {
      this.#end = Math.min(this.#end, position);
      return;
    }
    if (needed > this.#rows.length) this.#grow(needed);
    this.#rows.set(rows, position * width);
    this.#end = needed / width;
  }

  /** The rows `[from, to)`, which must be kept; a view that the next `add` may change. */
  read(from: number, to: number): Float32Array<ArrayBuffer> {
    if (from < 0 || to > this.#end || from > to)
      throw new RangeError(`rows [${from}, ${to}) of ${this.#end}`);
    return this.#rows.subarray(from * this.#width, to * this.#width);
  }

  /** Doubles, so that a row is copied a constant number of times. */
  #grow(needed: number): void {
    const wanted = Math.max(needed, 2 * this.#rows.length, FIRST_ROWS * this.#width);
    const rows = new Float32Array(Math.min(wanted, this.#maxLength));
    rows.set(this.#rows);
    this.#rows = rows;
  }
}
