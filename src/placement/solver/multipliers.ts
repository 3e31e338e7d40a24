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
import { PathBundle } from "./path-bundle.ts";
import { passWork, relax, tracePath, type Relaxation } from "./relaxation.ts";

export type Multipliers = {
  readonly visit: Float64Array; // [n]
  readonly returnTo: Float64Array; // [n]
  /** Of every stage alike; only a limit on stages makes it positive. */
  perStage: number;
  /** What a visit costs: `price` and `perStage` together. */
  readonly charge: Float64Array; // [n]
  bound: number;
};

export function createMultipliers(memberCount: number): Multipliers {
  return {
    visit: new Float64Array(memberCount),
    returnTo: new Float64Array(memberCount),
    perStage: 0,
    charge: new Float64Array(memberCount),
    bound: -Infinity,
  };
}

export function copyMultipliers(prices: Multipliers): Multipliers {
  return {
    ...prices,
    visit: prices.visit.slice(),
    returnTo: prices.returnTo.slice(),
    charge: prices.charge.slice(),
  };
}

export type AscentOptions = {
  readonly steps: number;
  /** Work after which no step starts, as `passWork` counts it; no limit unless told. */
  readonly maxWork?: number;
  /** The best cost known: the climb ends once the bound reaches it. */
  readonly target: () => number;
  /** What the steps aim at, where that is not the target. */
  readonly aim: number | null;
  readonly isLate: () => boolean;
  /** Called with each path that visits nobody twice; may lower the target. */
  readonly onElementaryPath: (order: readonly number[]) => void;
  /** The part of the gap that a few steps must close for the climb to go on; 0 unless told. */
  readonly minGapFraction?: number;
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
export function ascend(
  relaxation: Relaxation,
  prices: Multipliers,
  firsts: readonly number[],
  {
    steps,
    target,
    aim,
    isLate,
    onElementaryPath,
    minGapFraction = 0,
    maxWork = Infinity,
  }: AscentOptions,
): void {
  const { inst } = relaxation;
  const { memberCount } = inst;
  const returnsTo = new Int32Array(memberCount);
  const closing = new Float64Array(memberCount);
  const trial = copyMultipliers(prices);
  const point = vectorOf(prices);
  const best = point.slice();
  const subgradient = new Float64Array(point.length);
  const isSigned = nonNegative(inst);
  const bundle = new PathBundle(point.length);
  let scale = STEP;
  let idleSteps = 0;
  let before = -Infinity;
  let work = 0;
  for (let step = 0; step < steps && scale > SMALLEST_STEP && work < maxWork; step++) {
    work += passWork(relaxation);
    setMultipliers(trial, point);
    fillClosing(inst, trial, firsts, closing, returnsTo);
    if (isLate() || !relax(relaxation, trial.charge, closing, firsts, isLate)) return;
    const first = cheapestFirst(relaxation, trial);
    const bound = first < 0 ? Infinity : boundOf(relaxation, trial, first);
    const gain = bound - prices.bound;
    if (gain > SMALL_GAIN * scale * distanceTo(aim ?? target(), prices.bound)) idleSteps = 0;
    else idleSteps++;
    if (bound > prices.bound) {
      best.set(point);
      setMultipliers(prices, point);
      prices.bound = bound;
    }
    if (bound >= target()) return;
    if (step % FEW_STEPS === FEW_STEPS - 1) {
      if (prices.bound - before < minGapFraction * (target() - before)) return;
      before = prices.bound;
    }
    const path = tracePath(relaxation, closing, first);
    if (new Set(path).size === path.length) onElementaryPath(path);
    fillSubgradient(inst, path, returnsTo, subgradient);
    if (!bundle.add(subgradient, bound, point, best)) return;
    if (idleSteps >= PATIENCE) {
      idleSteps = 0;
      scale *= SHRINK;
    }
    const distance = distanceTo(aim ?? target(), prices.bound);
    bundle.project(point, prices.bound + scale * distance, distance, isSigned);
  }
}

/** How far the bound is from what a climb aims at; a part of it where nothing is known. */
function distanceTo(goal: number, bound: number): number {
  if (bound === -Infinity) return 0;
  return Math.max(Math.abs(bound) * 1e-6, goal < Infinity ? goal - bound : Math.abs(bound) * 0.2);
}

/** Prices, rents and the price of a stage, one after the other. */
function vectorOf({ visit, returnTo, perStage }: Multipliers): Float64Array {
  return Float64Array.of(...visit, ...returnTo, perStage);
}

function setMultipliers(prices: Multipliers, point: Float64Array): void {
  const memberCount = prices.visit.length;
  prices.visit.set(point.subarray(0, memberCount));
  prices.returnTo.set(point.subarray(memberCount, 2 * memberCount));
  prices.perStage = point[2 * memberCount]!;
  for (let member = 0; member < memberCount; member++)
    prices.charge[member] = point[member]! + prices.perStage;
}

/** Which of a vector's values are never negative: those of members that need not take part. */
function nonNegative({ memberCount, required }: Instance): Uint8Array {
  const isSigned = new Uint8Array(2 * memberCount + 1);
  for (let member = 0; member < memberCount; member++)
    isSigned[member] = required[member] === 1 ? 0 : 1;
  isSigned[2 * memberCount] = 1;
  return isSigned;
}

/** How the cost of a path, less what prices give back, changes with each value of a vector. */
function fillSubgradient(
  { memberCount, maxStages }: Instance,
  path: readonly number[],
  returnsTo: Int32Array,
  slope: Float64Array,
): void {
  slope.fill(0);
  slope.fill(-1, 0, memberCount);
  for (const member of path) slope[member]!++;
  slope[memberCount + path[0]!]!++;
  slope[memberCount + returnsTo[path[path.length - 1]!]!]!--;
  // There are never more stages than members: only a tighter limit has a price.
  slope[2 * memberCount] = maxStages < memberCount ? path.length - maxStages : 0;
}

/** Fills the tables for the prices as they are; false when time ran out. */
export function evaluateMultipliers(
  relaxation: Relaxation,
  prices: Multipliers,
  firsts: readonly number[],
  closing: Float64Array,
  isLate: () => boolean,
): boolean {
  fillClosing(relaxation.inst, prices, firsts, closing, new Int32Array(closing.length));
  return relax(relaxation, prices.charge, closing, firsts, isLate);
}

/** The bound on pipelines that start with `first`, from filled tables. */
export function boundOf(
  { fromFirst, inst }: Relaxation,
  prices: Multipliers,
  first: number,
): number {
  return fromFirst[first]! + prices.returnTo[first]! - constantTerm(inst, prices);
}

/** What every pipeline gets back for the prices, however few of them it pays. */
export function constantTerm(
  { memberCount, maxStages }: Instance,
  { visit, perStage }: Multipliers,
): number {
  let sum = perStage > 0 ? perStage * maxStages : 0;
  for (let member = 0; member < memberCount; member++) sum += visit[member]!;
  return sum;
}

/** The first member of the cheapest path, or -1. */
export function cheapestFirst({ fromFirst, inst }: Relaxation, { returnTo }: Multipliers): number {
  let best = -1;
  let least = Infinity;
  for (let member = 0; member < inst.memberCount; member++) {
    const total = fromFirst[member]! + returnTo[member]!;
    if (total < least) [least, best] = [total, member];
  }
  return best;
}

function fillClosing(
  { memberCount, close }: Instance,
  { returnTo }: Multipliers,
  firsts: readonly number[],
  closing: Float64Array,
  returnsTo: Int32Array,
): void {
  for (let member = 0; member < memberCount; member++) {
    let best = Infinity;
    for (const third of firsts) {
      const total = close[member * memberCount + third]! - returnTo[third]!;
      if (total >= best) continue;
      best = total;
      returnsTo[member] = third;
    }
    closing[member] = best;
  }
}
