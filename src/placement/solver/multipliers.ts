/**
 * Prices that make the relaxed bound as high as it gets: on
 * the members, on the number of stages, and on the closing hop.
 *
 * The closing hop joins the last member with the first, which a path over
 * (layer, member) has forgotten. While the first member is free, the path may
 * return to any member g, paying close[last, g] - rent[g], and its first member
 * pays rent[first]: whatever the rents, a true pipeline pays exactly its closing
 * hop, so the bound holds; the rents that make it highest are found like prices.
 */
import type { Instance } from "./instance.ts";
import { Cuts } from "./path-bundle.ts";
import { passWork, relax, tracePath, type Relaxation } from "./relaxation.ts";

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
  /** Work after which no step starts, as `passWork` counts it; no limit unless told. */
  readonly mostWork?: number;
  /** The best cost known: the climb ends once the bound reaches it. */
  readonly target: () => number;
  /** What the steps aim at, where that is not the target. */
  readonly aim: number | null;
  readonly isLate: () => boolean;
  /** Called with each path that visits nobody twice; may lower the target. */
  readonly onPath: (order: readonly number[]) => void;
  /** The part of the gap that a few steps must close for the climb to go on; 0 unless told. */
  readonly worthwhile?: number;
};

/** The level that a step asks for, in parts of the distance from the bound to the target. */
const STEP = 1;
/** It shrinks so after `PATIENCE` steps that raise next to nothing. */
const SHRINK = 0.6;
const PATIENCE = 3;
const SMALLEST_STEP = 0.01;
/** Steps between two times that the gain is looked at. */
const FEW_STEPS = 6;
/** Next to nothing, in parts of what the step asked for. */
const SMALL_GAIN = 1e-3;

/**
 * Raises `prices.bound` on pipelines that start with one of `firsts`, keeping the
 * best prices in place. With a single one the closing hop is exact. Leaves the
 * tables of `relaxation` filled for the last prices tried, not for the best: call
 * `reprice`.
 */
export function climb(
  relaxation: Relaxation,
  prices: Prices,
  firsts: readonly number[],
  { steps, target, aim, isLate, onPath, worthwhile = 0, mostWork = Infinity }: Climb,
): void {
  const { inst } = relaxation;
  const { n } = inst;
  const returnsTo = new Int32Array(n);
  const closing = new Float64Array(n);
  const trial = copyPrices(prices);
  const x = vectorOf(prices);
  const best = x.slice();
  const slope = new Float64Array(x.length);
  const isSigned = signs(inst);
  const cuts = new Cuts(x.length);
  let scale = STEP;
  let idle = 0;
  let before = -Infinity;
  let work = 0;
  for (let step = 0; step < steps && scale > SMALLEST_STEP && work < mostWork; step++) {
    work += passWork(relaxation);
    setPrices(trial, x);
    fillClosing(inst, trial, firsts, closing, returnsTo);
    if (isLate() || !relax(relaxation, trial.paid, closing, firsts, isLate)) return;
    const first = cheapestFirst(relaxation, trial);
    const bound = first < 0 ? Infinity : boundOf(relaxation, trial, first);
    const gain = bound - prices.bound;
    if (gain > SMALL_GAIN * scale * distanceTo(aim ?? target(), prices.bound)) idle = 0;
    else idle++;
    if (bound > prices.bound) {
      best.set(x);
      setPrices(prices, x);
      prices.bound = bound;
    }
    if (bound >= target()) return;
    if (step % FEW_STEPS === FEW_STEPS - 1) {
      if (prices.bound - before < worthwhile * (target() - before)) return;
      before = prices.bound;
    }
    const path = tracePath(relaxation, closing, first);
    if (new Set(path).size === path.length) onPath(path);
    fillSlope(inst, path, returnsTo, slope);
    if (!cuts.add(slope, bound, x, best)) return;
    if (idle >= PATIENCE) {
      idle = 0;
      scale *= SHRINK;
    }
    const distance = distanceTo(aim ?? target(), prices.bound);
    cuts.project(x, prices.bound + scale * distance, distance, isSigned);
  }
}

/** How far the bound is from what a climb aims at; a part of it where nothing is known. */
function distanceTo(goal: number, bound: number): number {
  if (bound === -Infinity) return 0;
  return Math.max(Math.abs(bound) * 1e-6, goal < Infinity ? goal - bound : Math.abs(bound) * 0.2);
}

/** Prices, rents and the price of a stage, one after the other. */
function vectorOf({ price, rent, perStage }: Prices): Float64Array {
  return Float64Array.of(...price, ...rent, perStage);
}

function setPrices(prices: Prices, x: Float64Array): void {
  const n = prices.price.length;
  prices.price.set(x.subarray(0, n));
  prices.rent.set(x.subarray(n, 2 * n));
  prices.perStage = x[2 * n]!;
  for (let d = 0; d < n; d++) prices.paid[d] = x[d]! + prices.perStage;
}

/** Which of a vector's values are never negative: those of members that need not take part. */
function signs({ n, required }: Instance): Uint8Array {
  const isSigned = new Uint8Array(2 * n + 1);
  for (let d = 0; d < n; d++) isSigned[d] = required[d] === 1 ? 0 : 1;
  isSigned[2 * n] = 1;
  return isSigned;
}

/** How the cost of a path, less what prices give back, changes with each value of a vector. */
function fillSlope(
  { n, maxStages }: Instance,
  path: readonly number[],
  returnsTo: Int32Array,
  slope: Float64Array,
): void {
  slope.fill(0);
  slope.fill(-1, 0, n);
  for (const d of path) slope[d]!++;
  slope[n + path[0]!]!++;
  slope[n + returnsTo[path[path.length - 1]!]!]!--;
  // There are never more stages than members: only a tighter limit has a price.
  slope[2 * n] = maxStages < n ? path.length - maxStages : 0;
}

/** Fills the tables for the prices as they are; false when time ran out. */
export function reprice(
  relaxation: Relaxation,
  prices: Prices,
  firsts: readonly number[],
  closing: Float64Array,
  isLate: () => boolean,
): boolean {
  fillClosing(relaxation.inst, prices, firsts, closing, new Int32Array(closing.length));
  return relax(relaxation, prices.paid, closing, firsts, isLate);
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

/** The first member of the cheapest path, or -1. */
export function cheapestFirst({ fromFirst, inst }: Relaxation, { rent }: Prices): number {
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
  firsts: readonly number[],
  closing: Float64Array,
  returnsTo: Int32Array,
): void {
  for (let d = 0; d < n; d++) {
    let best = Infinity;
    for (const g of firsts) {
      const total = close[d * n + g]! - rent[g]!;
      if (total >= best) continue;
      best = total;
      returnsTo[d] = g;
    }
    closing[d] = best;
  }
}
