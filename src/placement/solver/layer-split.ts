/**
 * The best layer boundaries for a given order of members, exact, in time proportional to stages times
 * layers.
 *
 *   value[l]   the cheapest way to run the layers [0, l)
 *   stage      turns the values before it into the values after it; its window of starts only moves
 *              forward, so a monotone queue finds every minimum
 */
import type { Instance } from "./instance.ts";

/** A queue of candidate layers, shared by all calls, which are never nested. */
let queue = new Int32Array(1024);

function queueFor(length: number): Int32Array {
  if (queue.length < length) queue = new Int32Array(length * 2);
  return queue;
}

/**
 * `after[end] = min over start of before[start] + cost of [start, end)` for the ranges that `member`
 * can hold as an inner stage; `after` and `before` have layers + 1 values.
 */
export function stageForward(
  inst: Instance,
  member: number,
  before: Float64Array,
  after: Float64Array,
): void {
  const { layerCount, prefix, reach, minEnd } = inst;
  const row = member * (layerCount + 1);
  after.fill(Infinity);
  if (inst.fixed[member] === 1) {
    for (let start = 0; start < layerCount; start++) {
      const end = minEnd[row + start]!;
      if (reach[row + start]! >= end)
        after[end] = before[start]! + prefix[row + end]! - prefix[row + start]!;
    }
    return;
  }
  const candidates = queueFor(layerCount + 1);
  let head = 0;
  let tail = 0;
  for (let until = 1; until <= layerCount; until++) {
    const from = until - 1;
    const key = before[from]! - prefix[row + from]!;
    if (key < Infinity) {
      while (tail > head) {
        const back = candidates[tail - 1]!;
        if (before[back]! - prefix[row + back]! < key) break;
        tail--;
      }
      candidates[tail++] = from;
    }
    while (tail > head && reach[row + candidates[head]!]! < until) head++;
    if (tail > head) {
      const best = candidates[head]!;
      after[until] = before[best]! - prefix[row + best]! + prefix[row + until]!;
    }
  }
}

/** The first stage: `after[end]` for the layers [0, end), overhead and embedding included. */
export function firstForward(inst: Instance, member: number, after: Float64Array): void {
  const row = member * (inst.layerCount + 1);
  const base = inst.stage[member]! + inst.embed[member]!;
  after.fill(Infinity);
  for (let end = inst.minEnd[row]!; end <= inst.firstEnd[member]! && end < inst.layerCount; end++)
    after[end] = base + inst.prefix[row + end]!;
}

/** The lowest cost of a pipeline whose last stage is on `member`, head included. */
export function lastForward(inst: Instance, member: number, before: Float64Array): number {
  const { layerCount, prefix, reach } = inst;
  const row = member * (layerCount + 1);
  let best = Infinity;
  for (let start = inst.lastStart[member]!; start < layerCount; start++)
    if (reach[row + start] === layerCount)
      best = Math.min(best, before[start]! - prefix[row + start]!);
  return best + prefix[row + layerCount]! + inst.stage[member]! + inst.head[member]!;
}

export type Split = {
  /** The linear cost, closing hop included; Infinity where nothing fits. */
  readonly cost: number;
  /** Where each stage ends; the last value is the number of layers. */
  readonly ends: Int32Array; // [stages]
};

const NO_SPLIT: Split = { cost: Infinity, ends: new Int32Array(0) };

/** The best boundaries for exactly this order; every member has at least one layer. */
export function splitOrder(inst: Instance, order: ArrayLike<number>): Split {
  const { memberCount, layerCount } = inst;
  const stageCount = order.length;
  if (stageCount === 0 || stageCount > inst.maxStages) return NO_SPLIT;
  const first = order[0]!;
  if (stageCount === 1) {
    const cost = singleCost(inst, first);
    return cost === Infinity ? NO_SPLIT : { cost, ends: Int32Array.of(layerCount) };
  }
  const values: Float64Array[] = [new Float64Array(layerCount + 1)];
  firstForward(inst, first, values[0]!);
  let fixedCost = inst.close[order[stageCount - 1]! * memberCount + first]!;
  for (let index = 1; index < stageCount; index++)
    fixedCost += inst.hop[order[index - 1]! * memberCount + order[index]!]!;
  if (fixedCost === Infinity) return NO_SPLIT;
  for (let at = 1; at < stageCount - 1; at++) {
    const member = order[at]!;
    const after = new Float64Array(layerCount + 1);
    stageForward(inst, member, values[at - 1]!, after);
    fixedCost += inst.stage[member]!;
    values.push(after);
  }
  const cost = lastForward(inst, order[stageCount - 1]!, values[stageCount - 2]!) + fixedCost;
  return cost === Infinity ? NO_SPLIT : { cost, ends: traceEnds(inst, order, values) };
}

/** The cost of one member that runs all layers, without hops; Infinity where it cannot. */
export function singleCost(inst: Instance, member: number): number {
  if (inst.single[member] !== 1) return Infinity;
  return (
    inst.alone[member]! +
    inst.embed[member]! +
    inst.head[member]! +
    inst.prefix[member * (inst.layerCount + 1) + inst.layerCount]!
  );
}

function traceEnds(inst: Instance, order: ArrayLike<number>, values: Float64Array[]): Int32Array {
  const { layerCount, prefix, reach, minEnd } = inst;
  const ends = new Int32Array(order.length);
  let end = layerCount;
  for (let index = order.length - 1; index > 0; index--) {
    ends[index] = end;
    const row = order[index]! * (layerCount + 1);
    const before = values[index - 1]!;
    const from =
      end === layerCount && index === order.length - 1 ? inst.lastStart[order[index]!]! : 0;
    let best = -1;
    for (let start = from; start < end; start++) {
      if (reach[row + start]! < end || minEnd[row + start]! > end) continue;
      if (
        best === -1 ||
        before[start]! - prefix[row + start]! < before[best]! - prefix[row + best]!
      )
        best = start;
    }
    end = best;
  }
  ends[0] = end;
  return ends;
}

export type Chain = { readonly order: readonly number[]; readonly cost: number };

/**
 * The best pipeline that visits members in the given order and may skip any of them, except the
 * first.
 */
export function splitWithSkips(inst: Instance, order: ArrayLike<number>): Chain {
  const { memberCount, layerCount } = inst;
  const count = order.length;
  const first = order[0]!;
  const single = singleCost(inst, first);
  let best: Chain = { order: single < Infinity ? [first] : [], cost: single };
  const values: Float64Array[] = [];
  const before = new Float64Array(layerCount + 1);
  let bestLast = -1;
  for (let later = 0; later < count; later++) {
    const member = order[later]!;
    const after = new Float64Array(layerCount + 1);
    values.push(after);
    if (later === 0) {
      firstForward(inst, member, after);
      continue;
    }
    mergeBefore(inst, order, values, later, before);
    const cost = lastForward(inst, member, before) + inst.close[member * memberCount + first]!;
    if (cost < best.cost) {
      best = { order: [], cost };
      bestLast = later;
    }
    stageForward(inst, member, before, after);
    for (let layer = 0; layer <= layerCount; layer++)
      after[layer] = after[layer]! + inst.stage[member]!;
  }
  if (bestLast >= 0) best = { order: traceSkips(inst, order, values, bestLast), cost: best.cost };
  return best;
}

function mergeBefore(
  inst: Instance,
  order: ArrayLike<number>,
  values: Float64Array[],
  later: number,
  before: Float64Array,
): void {
  const { memberCount, layerCount } = inst;
  before.fill(Infinity);
  for (let index = 0; index < later; index++) {
    const hop = inst.hop[order[index]! * memberCount + order[later]!]!;
    if (hop === Infinity) continue;
    const value = values[index]!;
    for (let layer = 1; layer < layerCount; layer++)
      if (value[layer]! + hop < before[layer]!) before[layer] = value[layer]! + hop;
  }
}

function traceSkips(
  inst: Instance,
  order: ArrayLike<number>,
  values: Float64Array[],
  last: number,
): number[] {
  const { memberCount, layerCount, prefix, reach, minEnd } = inst;
  const path = [order[last]!];
  let later = last;
  let end = layerCount;
  while (later > 0) {
    const member = order[later]!;
    const row = member * (layerCount + 1);
    let bestValue = Infinity;
    let from = -1;
    let start = -1;
    for (let index = 0; index < later; index++) {
      const hop = inst.hop[order[index]! * memberCount + member]!;
      for (let begin = end === layerCount ? inst.lastStart[member]! : 0; begin < end; begin++) {
        if (reach[row + begin]! < end || minEnd[row + begin]! > end) continue;
        const value = values[index]![begin]! + hop - prefix[row + begin]!;
        if (value < bestValue) [bestValue, from, start] = [value, index, begin];
      }
    }
    if (from < 0) throw new Error("a chain with a finite cost has no start");
    path.push(order[from]!);
    later = from;
    end = start;
  }
  return path.reverse();
}
