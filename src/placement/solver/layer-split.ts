/**
 * Layers of a pipeline whose order is given: the best cuts, exactly, in time
 * proportional to stages times layers.
 *
 *   value[l]   the cheapest way to have the layers [0, l) done (or, backwards,
 *              to get from layer l to the end)
 *   a stage turns the values before it into the values after it; its window of
 *   starts only moves forward, so a monotone queue finds every minimum
 */
import type { Instance } from "./instance.ts";

/** Queue of candidate layers, shared by all calls: no call outlives its caller. */
let queue = new Int32Array(1024);

function queueFor(length: number): Int32Array {
  if (queue.length < length) queue = new Int32Array(length * 2);
  return queue;
}

/**
 * `after[e] = min over s of before[s] + time of [s, e)` for ranges that `d` can
 * hold between its neighbours; `after` and `before` have L + 1 values.
 */
export function stageForward(
  inst: Instance,
  d: number,
  before: Float64Array,
  after: Float64Array,
): void {
  const { L, prefix, reach, minEnd } = inst;
  const row = d * (L + 1);
  after.fill(Infinity);
  if (inst.fixed[d] === 1) {
    for (let s = 0; s < L; s++) {
      const end = minEnd[row + s]!;
      if (reach[row + s]! >= end) after[end] = before[s]! + prefix[row + end]! - prefix[row + s]!;
    }
    return;
  }
  const candidates = queueFor(L + 1);
  let head = 0;
  let tail = 0;
  for (let e = 1; e <= L; e++) {
    const s = e - 1;
    const key = before[s]! - prefix[row + s]!;
    if (key < Infinity) {
      while (tail > head) {
        const back = candidates[tail - 1]!;
        if (before[back]! - prefix[row + back]! < key) break;
        tail--;
      }
      candidates[tail++] = s;
    }
    while (tail > head && reach[row + candidates[head]!]! < e) head++;
    if (tail > head) {
      const best = candidates[head]!;
      after[e] = before[best]! - prefix[row + best]! + prefix[row + e]!;
    }
  }
}

/** The first stage: `after[e]` for the layers [0, e), its overhead and embedding included. */
export function firstForward(inst: Instance, d: number, after: Float64Array): void {
  const row = d * (inst.L + 1);
  const base = inst.stage[d]! + inst.embed[d]!;
  after.fill(Infinity);
  for (let e = inst.minEnd[row]!; e <= inst.firstEnd[d]! && e < inst.L; e++)
    after[e] = base + inst.prefix[row + e]!;
}

/** The cheapest end of a pipeline on `d`: from `before` over [s, L) and the head. */
export function lastForward(inst: Instance, d: number, before: Float64Array): number {
  const { L, prefix, reach } = inst;
  const row = d * (L + 1);
  let best = Infinity;
  for (let s = inst.lastStart[d]!; s < L; s++)
    if (reach[row + s] === L) best = Math.min(best, before[s]! - prefix[row + s]!);
  return best + prefix[row + L]! + inst.stage[d]! + inst.head[d]!;
}

export type Split = {
  /** The linear cost, closing hop included; Infinity where no cuts fit. */
  readonly cost: number;
  /** Where each stage ends; the last is L. */
  readonly ends: Int32Array; // [stages]
};

const NO_SPLIT: Split = { cost: Infinity, ends: new Int32Array(0) };

/** The best cuts for exactly this order, every member with at least one layer. */
export function splitOrder(inst: Instance, order: ArrayLike<number>): Split {
  const { n, L } = inst;
  const k = order.length;
  if (k === 0 || k > inst.maxStages) return NO_SPLIT;
  const first = order[0]!;
  if (k === 1) {
    const cost = singleCost(inst, first);
    return cost === Infinity ? NO_SPLIT : { cost, ends: Int32Array.of(L) };
  }
  const values: Float64Array[] = [new Float64Array(L + 1)];
  firstForward(inst, first, values[0]!);
  let fixedCost = inst.close[order[k - 1]! * n + first]!;
  for (let i = 1; i < k; i++) fixedCost += inst.hop[order[i - 1]! * n + order[i]!]!;
  if (fixedCost === Infinity) return NO_SPLIT;
  for (let i = 1; i < k - 1; i++) {
    const d = order[i]!;
    const after = new Float64Array(L + 1);
    stageForward(inst, d, values[i - 1]!, after);
    fixedCost += inst.stage[d]!;
    values.push(after);
  }
  const cost = lastForward(inst, order[k - 1]!, values[k - 2]!) + fixedCost;
  return cost === Infinity ? NO_SPLIT : { cost, ends: traceEnds(inst, order, values) };
}

/** A member that runs all layers: no hops at all. Infinity where it cannot. */
export function singleCost(inst: Instance, d: number): number {
  if (inst.single[d] !== 1) return Infinity;
  return inst.stage[d]! + inst.embed[d]! + inst.head[d]! + inst.prefix[d * (inst.L + 1) + inst.L]!;
}

function traceEnds(inst: Instance, order: ArrayLike<number>, values: Float64Array[]): Int32Array {
  const { L, prefix, reach, minEnd } = inst;
  const ends = new Int32Array(order.length);
  let end = L;
  for (let i = order.length - 1; i > 0; i--) {
    ends[i] = end;
    const row = order[i]! * (L + 1);
    const before = values[i - 1]!;
    const from = end === L && i === order.length - 1 ? inst.lastStart[order[i]!]! : 0;
    let best = -1;
    for (let s = from; s < end; s++) {
      if (reach[row + s]! < end || minEnd[row + s]! > end) continue;
      if (best === -1 || before[s]! - prefix[row + s]! < before[best]! - prefix[row + best]!)
        best = s;
    }
    end = best;
  }
  ends[0] = end;
  return ends;
}

export type Chain = { readonly order: readonly number[]; readonly cost: number };

/**
 * The best pipeline that visits members in the order given and may leave any of
 * them out, except the first.
 */
export function splitWithSkips(inst: Instance, order: ArrayLike<number>): Chain {
  const { n, L } = inst;
  const count = order.length;
  const first = order[0]!;
  const single = singleCost(inst, first);
  let best: Chain = { order: single < Infinity ? [first] : [], cost: single };
  const values: Float64Array[] = [];
  const before = new Float64Array(L + 1);
  let bestLast = -1;
  for (let j = 0; j < count; j++) {
    const d = order[j]!;
    const after = new Float64Array(L + 1);
    values.push(after);
    if (j === 0) {
      firstForward(inst, d, after);
      continue;
    }
    mergeBefore(inst, order, values, j, before);
    const cost = lastForward(inst, d, before) + inst.close[d * n + first]!;
    if (cost < best.cost) {
      best = { order: [], cost };
      bestLast = j;
    }
    stageForward(inst, d, before, after);
    for (let l = 0; l <= L; l++) after[l] = after[l]! + inst.stage[d]!;
  }
  if (bestLast >= 0) best = { order: traceSkips(inst, order, values, bestLast), cost: best.cost };
  return best;
}

function mergeBefore(
  inst: Instance,
  order: ArrayLike<number>,
  values: Float64Array[],
  j: number,
  before: Float64Array,
): void {
  const { n, L } = inst;
  before.fill(Infinity);
  for (let i = 0; i < j; i++) {
    const hop = inst.hop[order[i]! * n + order[j]!]!;
    if (hop === Infinity) continue;
    const value = values[i]!;
    for (let l = 1; l < L; l++) if (value[l]! + hop < before[l]!) before[l] = value[l]! + hop;
  }
}

function traceSkips(
  inst: Instance,
  order: ArrayLike<number>,
  values: Float64Array[],
  last: number,
): number[] {
  const { n, L, prefix, reach, minEnd } = inst;
  const path = [order[last]!];
  let j = last;
  let end = L;
  while (j > 0) {
    const d = order[j]!;
    const row = d * (L + 1);
    let bestValue = Infinity;
    let from = -1;
    let start = -1;
    for (let i = 0; i < j; i++) {
      const hop = inst.hop[order[i]! * n + d]!;
      for (let s = end === L ? inst.lastStart[d]! : 0; s < end; s++) {
        if (reach[row + s]! < end || minEnd[row + s]! > end) continue;
        const value = values[i]![s]! + hop - prefix[row + s]!;
        if (value < bestValue) [bestValue, from, start] = [value, i, s];
      }
    }
    if (from < 0) throw new Error("a chain with a finite cost has no start");
    path.push(order[from]!);
    j = from;
    end = start;
  }
  return path.reverse();
}
