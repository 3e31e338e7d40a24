/**
 * What the last relaxed paths say of the bound: a path whose cost changes with the
 * prices by `slope` says that the bound, a least over all paths, is at most
 *
 *   base[k] + slope[k] . prices
 *
 * The next prices are the nearest at which no kept path says that the bound stays
 * below a level that is asked for. With one path that is Polyak's subgradient step;
 * with many it does not go to and fro between a few of them.
 *
 * The projection is Hildreth's: one half-space at a time, with what each has added
 * so far, which may be taken back.
 */

/** Paths kept; of more the one that says least at the best prices goes. */
const MOST_CUTS = 40;
/** Times that all kept paths are gone through, if nothing settles earlier. */
const SWEEPS = 30;
/** Fewer for many members: so many numbers are looked at for each path. */
const MOST_NUMBERS = 1000;
const FEWEST_SWEEPS = 6;
/** Settled: the sum of what is still to be raised, in parts of a step's aim. */
const SETTLED = 1e-6;

export class Cuts {
  readonly #size: number;
  #count = 0;
  readonly #slope: Float64Array; // [MOST_CUTS, size]
  readonly #base = new Float64Array(MOST_CUTS);
  readonly #norm = new Float64Array(MOST_CUTS);
  readonly #added = new Float64Array(MOST_CUTS);
  readonly #lifted: Float64Array; // [size]

  constructor(size: number) {
    this.#size = size;
    this.#slope = new Float64Array(MOST_CUTS * size);
    this.#lifted = new Float64Array(size);
  }

  /**
   * Keeps a path, which costs `value` at the prices `at`. False when its cost does not
   * depend on the prices: then no prices raise the bound above `value`.
   */
  add(slope: Float64Array, value: number, at: Float64Array, best: Float64Array): boolean {
    let norm = 0;
    let base = value;
    for (let i = 0; i < this.#size; i++) {
      norm += slope[i]! * slope[i]!;
      base -= slope[i]! * at[i]!;
    }
    if (norm === 0) return false;
    const k = this.#count < MOST_CUTS ? this.#count++ : this.#loosest(best);
    this.#slope.set(slope, k * this.#size);
    this.#base[k] = base;
    this.#norm[k] = norm;
    return true;
  }

  /**
   * Moves `x` to the nearest prices at which every kept path costs `level` or more,
   * with x[i] >= 0 where `isSigned[i]` is 1. Only nearly, and anywhere where no such
   * prices exist. `aim` is the distance that counts as one: ms.
   */
  project(x: Float64Array, level: number, aim: number, isSigned: Uint8Array): void {
    this.#added.fill(0);
    this.#lifted.fill(0);
    const sweeps = Math.min(SWEEPS, Math.max(FEWEST_SWEEPS, MOST_NUMBERS / this.#size));
    for (let sweep = 0; sweep < sweeps; sweep++) {
      let missing = 0;
      for (let k = this.#count - 1; k >= 0; k--) missing += this.#raise(x, k, level);
      for (let i = 0; i < this.#size; i++) {
        if (isSigned[i] !== 1) continue;
        const lift = Math.max(-x[i]!, -this.#lifted[i]!);
        this.#lifted[i] = this.#lifted[i]! + lift;
        x[i] = x[i]! + lift;
      }
      if (missing <= SETTLED * aim) break;
    }
    for (let i = 0; i < this.#size; i++) if (isSigned[i] === 1 && x[i]! < 0) x[i] = 0;
  }

  /** One path's half-space; how far `x` was from it, or how much was taken back. */
  #raise(x: Float64Array, k: number, level: number): number {
    const missing = level - this.#at(k, x);
    const step = Math.max(missing / this.#norm[k]!, -this.#added[k]!);
    if (step === 0) return 0;
    this.#added[k] = this.#added[k]! + step;
    const row = k * this.#size;
    for (let i = 0; i < this.#size; i++) x[i] = x[i]! + step * this.#slope[row + i]!;
    return Math.abs(missing);
  }

  #loosest(best: Float64Array): number {
    let loosest = 0;
    let most = -Infinity;
    for (let k = 0; k < this.#count; k++) {
      const value = this.#at(k, best);
      if (value > most) [most, loosest] = [value, k];
    }
    return loosest;
  }

  #at(k: number, x: Float64Array): number {
    let value = this.#base[k]!;
    const row = k * this.#size;
    for (let i = 0; i < this.#size; i++) value += this.#slope[row + i]! * x[i]!;
    return value;
  }
}
