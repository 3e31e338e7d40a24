/**
 * Prices that make the relaxed bound as high as it gets: subgradient steps on
 * the members, on the number of stages, and on the closing hop.
 *
 * The closing hop joins the last member with the first, which a path over
 * (layer, member) has forgotten. While the first member is free, the path may
 * return to any member g, paying close[last, g] - rent[g], and its first member
 * pays rent[first]: whatever the rents, a true pipeline pays exactly its closing
 * hop, so the bound holds; the rents that make it highest are found like prices.
 */
import type { Instance } from "./instance.ts";
import { relax, tracePath, type Relaxation } from "./relaxation.ts";

export type Prices = {
  readonly price: Float64Array; // [n]
  readonly rent: Float64Array; // [n]
  /** Of every stage alike; only a limit on stages makes it positive. */
  perStage: number;
  /** What a visit costs: `price` and `perStage` together. */
  readonly paid: Float64Array; // [n]
  bound: number;
};

export function createPrices(n: number): Prices {
  return {
    price: new Float64Array(n),
    rent: new Float64Array(n),
    perStage: 0,
    paid: new Float64Array(n),
    bound: -Infinity,
  };
}

export function copyPrices(prices: Prices): Prices {
  return {
    ...prices,
    price: prices.price.slice(),
    rent: prices.rent.slice(),
    paid: prices.paid.slice(),
  };
}

export type Climb = {
  readonly steps: number;
  /** The best cost known: the climb ends once the bound reaches it. */
  readonly target: () => number;
  /** What the steps aim at, where that is not the target. */
  readonly aim: number | null;
  readonly isLate: () => boolean;
  /** Called with each path that visits nobody twice; may lower the target. */
  readonly onPath: (order: readonly number[]) => void;
};

/** First step, in parts of the distance to the target. */
const STEP = 1.2;
/** The step shrinks so after `PATIENCE` steps that raise nothing. */
const SHRINK = 0.6;
const PATIENCE = 4;
const SMALLEST_STEP = 0.02;

/**
 * Raises `prices.bound`, keeping the best prices in place. With `first` >= 0 the
 * first member is fixed and the closing hop is exact. Leaves the tables of
 * `relaxation` filled for the last prices tried, not for the best: call `reprice`.
 */
export function climb(
  relaxation: Relaxation,
  prices: Prices,
  first: number,
  { steps, target, aim, isLate, onPath }: Climb,
): void {
  const { inst } = relaxation;
  const { n } = inst;
  const trial = copyPrices(prices);
  const visits = new Float64Array(n);
  const rentSlope = new Float64Array(n);
  const returnsTo = new Int32Array(n);
  const closing = new Float64Array(n);
  let scale = STEP;
  let idle = 0;
  for (let step = 0; step < steps && scale > SMALLEST_STEP; step++) {
    for (let d = 0; d < n; d++) trial.paid[d] = trial.price[d]! + trial.perStage;
    fillClosing(inst, trial, first, closing, returnsTo);
    if (isLate() || !relax(relaxation, trial.paid, closing, first, isLate)) return;
    const start = cheapestFirst(relaxation, trial, first);
    const bound = start < 0 ? Infinity : boundOf(relaxation, trial, start);
    if (bound > prices.bound) {
      prices.price.set(trial.price);
      prices.rent.set(trial.rent);
      prices.paid.set(trial.paid);
      prices.perStage = trial.perStage;
      prices.bound = bound;
      idle = 0;
    } else if (++idle >= PATIENCE) {
      scale *= SHRINK;
      idle = 0;
      trial.price.set(prices.price);
      trial.rent.set(prices.rent);
      trial.perStage = prices.perStage;
      continue;
    }
    if (bound >= target()) return;
    const path = tracePath(relaxation, closing, start);
    visits.fill(0);
    rentSlope.fill(0);
    for (const d of path) visits[d]!++;
    if (path.every((d) => visits[d] === 1)) onPath(path);
    if (first < 0) {
      rentSlope[start]!++;
      rentSlope[returnsTo[path[path.length - 1]!]!]!--;
    }
    const overStages = path.length - inst.maxStages;
    let norm = 0;
    for (let d = 0; d < n; d++) {
      const slope = visits[d]! - 1;
      if (d === first || (trial.price[d]! <= 0 && slope < 0 && inst.required[d] !== 1))
        visits[d] = 0;
      else visits[d] = slope;
      norm += visits[d]! * visits[d]! + rentSlope[d]! * rentSlope[d]!;
    }
    const stageSlope = trial.perStage <= 0 && overStages < 0 ? 0 : overStages;
    norm += stageSlope * stageSlope;
    if (norm === 0) return;
    const goal = aim ?? target();
    const distance = (goal < Infinity ? goal : bound + Math.abs(bound) * 0.2) - bound;
    const length = (scale * Math.max(distance, Math.abs(bound) * 1e-6)) / norm;
    for (let d = 0; d < n; d++) {
      const next = trial.price[d]! + length * visits[d]!;
      trial.price[d] = inst.required[d] === 1 ? next : Math.max(0, next);
      trial.rent[d] = trial.rent[d]! + length * rentSlope[d]!;
    }
    trial.perStage = Math.max(0, trial.perStage + length * stageSlope);
  }
}

/** Fills the tables for the prices as they are; false when time ran out. */
export function reprice(
  relaxation: Relaxation,
  prices: Prices,
  first: number,
  closing: Float64Array,
  isLate: () => boolean,
): boolean {
  fillClosing(relaxation.inst, prices, first, closing, null);
  return relax(relaxation, prices.paid, closing, first, isLate);
}

/** The bound on pipelines that start with `first`, from filled tables. */
export function boundOf({ fromFirst, inst }: Relaxation, prices: Prices, first: number): number {
  return fromFirst[first]! + prices.rent[first]! - refund(inst, prices);
}

/** What every pipeline gets back for the prices, however few of them it pays. */
export function refund({ n, maxStages }: Instance, { price, perStage }: Prices): number {
  let sum = perStage > 0 ? perStage * maxStages : 0;
  for (let d = 0; d < n; d++) sum += price[d]!;
  return sum;
}

/** The first member of the cheapest path, or -1; `first` where it is fixed. */
export function cheapestFirst(
  { fromFirst, inst }: Relaxation,
  { rent }: Prices,
  first: number,
): number {
  if (first >= 0) return fromFirst[first]! < Infinity ? first : -1;
  let best = -1;
  let least = Infinity;
  for (let d = 0; d < inst.n; d++) {
    const total = fromFirst[d]! + rent[d]!;
    if (total < least) [least, best] = [total, d];
  }
  return best;
}

function fillClosing(
  { n, close }: Instance,
  { rent }: Prices,
  first: number,
  closing: Float64Array,
  returnsTo: Int32Array | null,
): void {
  for (let d = 0; d < n; d++) {
    if (first >= 0) {
      closing[d] = close[d * n + first]!;
      continue;
    }
    let best = Infinity;
    for (let g = 0; g < n; g++) {
      const total = close[d * n + g]! - rent[g]!;
      if (total >= best) continue;
      best = total;
      if (returnsTo !== null) returnsTo[d] = g;
    }
    closing[d] = best;
  }
}
