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
const MAX_PATHS = 40;
/** Times that all kept paths are gone through, if nothing settles earlier. */
const MAX_SWEEPS = 30;
/** Fewer for many members: so many numbers are looked at for each path. */
const MAX_NUMBERS = 1000;
const MIN_SWEEPS = 6;
/** Settled: the sum of what is still to be raised, in parts of a step's aim. */
const SETTLED = 1e-6;

export class PathBundle {
  readonly #size: number;
  #count = 0;
  readonly #slope: Float64Array; // [MOST_CUTS, size]
  readonly #base = new Float64Array(MAX_PATHS);
  readonly #norm = new Float64Array(MAX_PATHS);
  readonly #added = new Float64Array(MAX_PATHS);
  readonly #lifted: Float64Array; // [size]

  constructor(size: number) {
    this.#size = size;
    this.#slope = new Float64Array(MAX_PATHS * size);
    this.#lifted = new Float64Array(size);
  }

  /**
   * Keeps a path, which costs `value` at the prices `at`. False when its cost does not
   * depend on the prices: then no prices raise the bound above `value`.
   */
  add(slope: Float64Array, value: number, at: Float64Array, best: Float64Array): boolean {
    let norm = 0;
    let base = value;
    for (let index = 0; index < this.#size; index++) {
      norm += slope[index]! * slope[index]!;
      base -= slope[index]! * at[index]!;
    }
    if (norm === 0) return false;
    const path = this.#count < MAX_PATHS ? this.#count++ : this.#loosest(best);
    this.#slope.set(slope, path * this.#size);
    this.#base[path] = base;
    this.#norm[path] = norm;
    return true;
  }

  /**
   * Moves `x` to the nearest prices at which every kept path costs `level` or more,
   * with x[i] >= 0 where `isSigned[i]` is 1. Only nearly, and anywhere where no such
   * prices exist. `aim` is the distance that counts as one: ms.
   */
  project(point: Float64Array, level: number, aim: number, isSigned: Uint8Array): void {
    this.#added.fill(0);
    this.#lifted.fill(0);
    const sweeps = Math.min(MAX_SWEEPS, Math.max(MIN_SWEEPS, MAX_NUMBERS / this.#size));
    for (let sweep = 0; sweep < sweeps; sweep++) {
      let missing = 0;
      for (let path = this.#count - 1; path >= 0; path--)
        missing += this.#raise(point, path, level);
      for (let index = 0; index < this.#size; index++) {
        if (isSigned[index] !== 1) continue;
        const lift = Math.max(-point[index]!, -this.#lifted[index]!);
        this.#lifted[index] = this.#lifted[index]! + lift;
        point[index] = point[index]! + lift;
      }
      if (missing <= SETTLED * aim) break;
    }
    for (let at = 0; at < this.#size; at++) if (isSigned[at] === 1 && point[at]! < 0) point[at] = 0;
  }

  /** One path's half-space; how far `x` was from it, or how much was taken back. */
  #raise(point: Float64Array, path: number, level: number): number {
    const missing = level - this.#at(path, point);
    const step = Math.max(missing / this.#norm[path]!, -this.#added[path]!);
    if (step === 0) return 0;
    this.#added[path] = this.#added[path]! + step;
    const row = path * this.#size;
    for (let index = 0; index < this.#size; index++)
      point[index] = point[index]! + step * this.#slope[row + index]!;
    return Math.abs(missing);
  }

  #loosest(best: Float64Array): number {
    let loosest = 0;
    let most = -Infinity;
    for (let path = 0; path < this.#count; path++) {
      const value = this.#at(path, best);
      if (value > most) [most, loosest] = [value, path];
    }
    return loosest;
  }

  #at(path: number, point: Float64Array): number {
    let value = this.#base[path]!;
    const row = path * this.#size;
    for (let index = 0; index < this.#size; index++)
      value += this.#slope[row + index]! * point[index]!;
    return value;
  }
}
