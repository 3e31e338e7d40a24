/**
 * Lagrange multipliers that raise the relaxed bound: on visits to each member, on the number of
 * stages, and on the closing hop from the last member back to the first.
 *
 * A relaxed path does not know its first member, so the closing hop is relaxed too. The path may
 * return to any member m for close[last, m] - returnTo[m], and its first member is charged
 * returnTo[first]. A pipeline without repeats pays exactly its closing hop, whatever the values of
 * `returnTo`, so the bound is valid for all of them.
 */
import type { Instance } from "./instance.ts";
import { PathBundle } from "./path-bundle.ts";
import { relax, tracePath, type Relaxation } from "./relaxation.ts";

export type Multipliers = {
  /**
   * `visit`, `returnTo`, and the multiplier of every stage alike, which is positive only where a limit
   * on stages matters.
   */
  readonly point: Float64Array; // [2 * members + 1]
  readonly visit: Float64Array; // [members], a part of `point`
  readonly returnTo: Float64Array; // [members], a part of `point`
  /** The charge for a visit: `visit` plus the multiplier of every stage. */
  readonly charge: Float64Array; // [members]
  bound: number;
};

export function createMultipliers(memberCount: number): Multipliers {
  const point = new Float64Array(2 * memberCount + 1);
  return {
    point,
    visit: point.subarray(0, memberCount),
    returnTo: point.subarray(memberCount, 2 * memberCount),
    charge: new Float64Array(memberCount),
    bound: -Infinity,
  };
}

export function copyMultipliers({ point, charge, bound }: Multipliers): Multipliers {
  const copy = createMultipliers(charge.length);
  copy.point.set(point);
  copy.charge.set(charge);
  copy.bound = bound;
  return copy;
}

export type AscentOptions = {
  readonly steps: number;
  /** The best known cost: the ascent ends when the bound reaches it. */
  readonly target: () => number;
  /** The value that steps aim at, if not the target. */
  readonly aim: number | undefined;
  readonly isLate: () => boolean;
  /** Called with each path without repeats; may lower the target. */
  readonly onElementaryPath: (order: readonly number[]) => void;
  /** The ascent ends when `STEPS_PER_CHECK` steps close less than this fraction of the gap; 0 by default. */
  readonly minGapFraction?: number;
};

/** The level that a step asks for, as a fraction of the distance from the bound to the target. */
const STEP = 1;
/** The fraction shrinks by this factor after `PATIENCE` steps with a negligible gain. */
const SHRINK = 0.6;
const PATIENCE = 3;
const MIN_STEP = 0.01;
/** Steps between two checks of the gain. */
const STEPS_PER_CHECK = 6;
/** A negligible gain, as a fraction of what the step asked for. */
const NEGLIGIBLE_GAIN = 1e-3;

/**
 * Raises `multipliers.bound` for pipelines that start with one of `firsts`, and keeps the best
 * multipliers. With a single first member the closing hop is exact. The tables of `relaxation`
 * are left filled for the last multipliers tried, not for the best: call `evaluateMultipliers`.
 */
export function ascend(
  relaxation: Relaxation,
  multipliers: Multipliers,
  firsts: readonly number[],
  { steps, target, aim, isLate, onElementaryPath, minGapFraction = 0 }: AscentOptions,
): void {
  const { inst } = relaxation;
  const { memberCount } = inst;
  const returnsTo = new Int32Array(memberCount);
  const closing = new Float64Array(memberCount);
  const trial = copyMultipliers(multipliers);
  const { point } = trial;
  const subgradient = new Float64Array(point.length);
  const isNonNegative = nonNegative(inst);
  const bundle = new PathBundle(point.length);
  let scale = STEP;
  let idleSteps = 0;
  let before = -Infinity;
  for (let step = 0; step < steps && scale > MIN_STEP; step++) {
    fillCharge(trial);
    fillClosing(inst, trial, firsts, closing, returnsTo);
    if (isLate() || !relax(relaxation, trial.charge, closing, firsts, isLate)) return;
    const first = cheapestFirst(relaxation, trial);
    const bound = first < 0 ? Infinity : boundOf(relaxation, trial, first);
    const gain = bound - multipliers.bound;
    if (gain > NEGLIGIBLE_GAIN * scale * distanceTo(aim ?? target(), multipliers.bound))
      idleSteps = 0;
    else idleSteps++;
    if (bound > multipliers.bound) {
      multipliers.point.set(point);
      fillCharge(multipliers);
      multipliers.bound = bound;
    }
    if (bound >= target()) return;
    if (step % STEPS_PER_CHECK === STEPS_PER_CHECK - 1) {
      if (multipliers.bound - before < minGapFraction * (target() - before)) return;
      before = multipliers.bound;
    }
    const path = tracePath(relaxation, closing, first);
    if (new Set(path).size === path.length) onElementaryPath(path);
    fillSubgradient(inst, path, returnsTo, subgradient);
    if (!bundle.add(subgradient, bound, point, multipliers.point)) return;
    if (idleSteps >= PATIENCE) {
      idleSteps = 0;
      scale *= SHRINK;
    }
    const distance = distanceTo(aim ?? target(), multipliers.bound);
    bundle.project(point, multipliers.bound + scale * distance, distance, isNonNegative);
  }
}

/** The distance from the bound to the goal; a fraction of the bound where no goal is known. */
function distanceTo(goal: number, bound: number): number {
  if (bound === -Infinity) return 0;
  return Math.max(Math.abs(bound) * 1e-6, goal < Infinity ? goal - bound : Math.abs(bound) * 0.2);
}

function fillCharge({ point, visit, charge }: Multipliers): void {
  const perStage = point[2 * visit.length]!;
  for (let member = 0; member < visit.length; member++) charge[member] = visit[member]! + perStage;
}

/** 1 where a multiplier is never negative: all but those of required members, and of returns. */
function nonNegative({ memberCount, required }: Instance): Uint8Array {
  const isNonNegative = new Uint8Array(2 * memberCount + 1);
  for (let member = 0; member < memberCount; member++)
    isNonNegative[member] = required[member] === 1 ? 0 : 1;
  isNonNegative[2 * memberCount] = 1;
  return isNonNegative;
}

/** How the bound from a path changes with each multiplier. */
function fillSubgradient(
  { memberCount, maxStages }: Instance,
  path: readonly number[],
  returnsTo: Int32Array,
  subgradient: Float64Array,
): void {
  subgradient.fill(0);
  subgradient.fill(-1, 0, memberCount);
  for (const member of path) subgradient[member]!++;
  subgradient[memberCount + path[0]!]!++;
  subgradient[memberCount + returnsTo[path[path.length - 1]!]!]!--;
  // There are never more stages than members: only a tighter limit has a multiplier.
  subgradient[2 * memberCount] = maxStages < memberCount ? path.length - maxStages : 0;
}

/** Fills the tables for the given multipliers; false when time ran out. */
export function evaluateMultipliers(
  relaxation: Relaxation,
  multipliers: Multipliers,
  firsts: readonly number[],
  isLate: () => boolean,
): boolean {
  const closing = new Float64Array(relaxation.inst.memberCount);
  fillClosing(relaxation.inst, multipliers, firsts, closing, new Int32Array(closing.length));
  return relax(relaxation, multipliers.charge, closing, firsts, isLate);
}

/** The bound on pipelines that start with `first`, from filled tables. */
export function boundOf(
  { fromFirst, inst }: Relaxation,
  multipliers: Multipliers,
  first: number,
): number {
  return fromFirst[first]! + multipliers.returnTo[first]! - constantTerm(inst, multipliers);
}

/** The constant term of the Lagrangian: what is subtracted from every path. */
export function constantTerm(
  { memberCount, maxStages }: Instance,
  { point, visit }: Multipliers,
): number {
  const perStage = point[2 * memberCount]!;
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
    for (const first of firsts) {
      const total = close[member * memberCount + first]! - returnTo[first]!;
      if (total >= best) continue;
      best = total;
      returnsTo[member] = first;
    }
    closing[member] = best;
  }
}
