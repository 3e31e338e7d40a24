/**
 * The bundle of the last relaxed paths, and the step to the next multipliers.
 *
 * Each path is a cutting plane: the bound, a minimum over all paths, is at most
 *
 *   base[path] + subgradient[path] . multipliers
 *
 * The next multipliers are the nearest ones at which no plane in the bundle keeps the bound below
 * the requested level. With one path this is Polyak's subgradient step; with many it does not
 * oscillate between them. The projection is Hildreth's: one half-space at a time, with corrections
 * that may be taken back.
 */

/** Paths kept; beyond that, the loosest at the best multipliers is replaced. */
const MAX_PATHS = 40;
/** Passes over all paths, unless the projection converges earlier. */
const MAX_SWEEPS = 30;
/** Fewer passes for many members: passes times vector length. */
const MAX_NUMBERS = 1000;
const MIN_SWEEPS = 6;
/** Converged: the sum of all violations, as a fraction of the distance aimed at. */
const CONVERGED = 1e-6;

export class PathBundle {
  readonly #size: number;
  #count = 0;
  readonly #subgradient: Float64Array; // [MAX_PATHS, size]
  readonly #base = new Float64Array(MAX_PATHS);
  readonly #norm = new Float64Array(MAX_PATHS);
  readonly #corrections = new Float64Array(MAX_PATHS);
  readonly #signCorrections: Float64Array; // [size]

  constructor(size: number) {
    this.#size = size;
    this.#subgradient = new Float64Array(MAX_PATHS * size);
    this.#signCorrections = new Float64Array(size);
  }

  /**
   * Adds a path that costs `value` at the multipliers `at`. False when its cost does not depend
   * on the multipliers: then none raise the bound above `value`.
   */
  add(subgradient: Float64Array, value: number, at: Float64Array, best: Float64Array): boolean {
    let norm = 0;
    let base = value;
    for (let index = 0; index < this.#size; index++) {
      norm += subgradient[index]! * subgradient[index]!;
      base -= subgradient[index]! * at[index]!;
    }
    if (norm === 0) return false;
    const path = this.#count < MAX_PATHS ? this.#count++ : this.#loosest(best);
    this.#subgradient.set(subgradient, path * this.#size);
    this.#base[path] = base;
    this.#norm[path] = norm;
    return true;
  }

  /**
   * Moves `point` to the nearest multipliers at which every path costs at least `level`, and
   * which are not negative where `isNonNegative` is 1. The result is approximate, and arbitrary
   * where no such multipliers exist. `aim` scales the convergence test: ms.
   */
  project(point: Float64Array, level: number, aim: number, isNonNegative: Uint8Array): void {
    this.#corrections.fill(0);
    this.#signCorrections.fill(0);
    const sweeps = Math.min(MAX_SWEEPS, Math.max(MIN_SWEEPS, MAX_NUMBERS / this.#size));
    for (let sweep = 0; sweep < sweeps; sweep++) {
      let violation = 0;
      for (let path = this.#count - 1; path >= 0; path--)
        violation += this.#projectOnPath(point, path, level);
      for (let index = 0; index < this.#size; index++) {
        if (isNonNegative[index] !== 1) continue;
        const lift = Math.max(-point[index]!, -this.#signCorrections[index]!);
        this.#signCorrections[index] = this.#signCorrections[index]! + lift;
        point[index] = point[index]! + lift;
      }
      if (violation <= CONVERGED * aim) break;
    }
    for (let at = 0; at < this.#size; at++)
      if (isNonNegative[at] === 1 && point[at]! < 0) point[at] = 0;
  }

  /** Projects on one path's half-space; returns the violation before it. */
  #projectOnPath(point: Float64Array, path: number, level: number): number {
    const violation = level - this.#at(path, point);
    const step = Math.max(violation / this.#norm[path]!, -this.#corrections[path]!);
    if (step === 0) return 0;
    this.#corrections[path] = this.#corrections[path]! + step;
    const row = path * this.#size;
    for (let index = 0; index < this.#size; index++)
      point[index] = point[index]! + step * this.#subgradient[row + index]!;
    return Math.abs(violation);
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
      value += this.#subgradient[row + index]! * point[index]!;
    return value;
  }
}
