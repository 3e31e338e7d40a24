/**
 * The best layer boundaries for a given order of members, exact, in time proportional to stages times
 * layers.
 *
 *   value[l]   the cheapest way to run the layers [0, l)
 *   stage      turns the values before it into the values after it; its window of starts only moves
 *              forward, so a monotone queue finds every minimum
 */
import type { Instance } from "./instance.ts";
import type { Plan } from "./plan.ts";

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
  const { layerCount, prefix, reach } = inst;
  const row = member * (layerCount + 1);
  after.fill(Infinity);
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
  for (let end = 1; end <= inst.firstEnd[member]! && end < inst.layerCount; end++)
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

/** The best boundaries for exactly this order, by linear cost; the cost is Infinity where nothing fits. */
export function splitOrder(inst: Instance, order: readonly number[]): Plan {
  const { memberCount, layerCount, hop } = inst;
  const impossible: Plan = { order, ends: new Int32Array(0), cost: Infinity };
  const last = order.length - 1;
  if (last < 0 || order.length > inst.maxStages) return impossible;
  const first = order[0]!;
  if (last === 0) {
    const cost = singleCost(inst, first);
    return cost === Infinity ? impossible : { order, ends: Int32Array.of(layerCount), cost };
  }
  let fixedCost = inst.close[order[last]! * memberCount + first]!;
  for (let at = 1; at <= last; at++) fixedCost += hop[order[at - 1]! * memberCount + order[at]!]!;
  if (fixedCost === Infinity) return impossible;
  const values: Float64Array[] = [new Float64Array(layerCount + 1)];
  firstForward(inst, first, values[0]!);
  for (let at = 1; at < last; at++) {
    const after = new Float64Array(layerCount + 1);
    stageForward(inst, order[at]!, values[at - 1]!, after);
    fixedCost += inst.stage[order[at]!]!;
    values.push(after);
  }
  const cost = lastForward(inst, order[last]!, values[last - 1]!) + fixedCost;
  if (cost === Infinity) return impossible;
  return { order, ends: Int32Array.from(trace(inst, order, values, last, false).ends), cost };
}

/** The cost of one member that runs all layers, without hops; Infinity where it cannot. */
function singleCost(inst: Instance, member: number): number {
  if (inst.single[member] !== 1) return Infinity;
  return (
    inst.alone[member]! +
    inst.embed[member]! +
    inst.head[member]! +
    inst.prefix[member * (inst.layerCount + 1) + inst.layerCount]!
  );
}

/**
 * The members of the best pipeline that visits members in the given order and may skip any of them,
 * except the first; null where there is none.
 */
export function bestSubsequence(
  inst: Instance,
  order: readonly number[],
): readonly number[] | null {
  const { memberCount, layerCount } = inst;
  const first = order[0]!;
  let least = singleCost(inst, first);
  let last = least < Infinity ? 0 : -1;
  const values: Float64Array[] = [new Float64Array(layerCount + 1)];
  firstForward(inst, first, values[0]!);
  const before = new Float64Array(layerCount + 1);
  for (let at = 1; at < order.length; at++) {
    const member = order[at]!;
    mergeBefore(inst, order, values, at, before);
    const cost = lastForward(inst, member, before) + inst.close[member * memberCount + first]!;
    if (cost < least) [least, last] = [cost, at];
    const after = new Float64Array(layerCount + 1);
    stageForward(inst, member, before, after);
    for (let layer = 0; layer <= layerCount; layer++)
      after[layer] = after[layer]! + inst.stage[member]!;
    values.push(after);
  }
  return last < 0 ? null : trace(inst, order, values, last, true).members;
}

function mergeBefore(
  inst: Instance,
  order: readonly number[],
  values: readonly Float64Array[],
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

/**
 * Follows the tables back from the stage at `last`. A stage comes after the one before it in `order`;
 * with `skips`, after any earlier one.
 */
function trace(
  inst: Instance,
  order: readonly number[],
  values: readonly Float64Array[],
  last: number,
  skips: boolean,
): { members: number[]; ends: number[] } {
  const { memberCount, layerCount, prefix, reach } = inst;
  const members = [order[last]!];
  const ends = [layerCount];
  let later = last;
  let end = layerCount;
  while (later > 0) {
    const member = order[later]!;
    const row = member * (layerCount + 1);
    let best = Infinity;
    let from = -1;
    let start = -1;
    for (let index = skips ? 0 : later - 1; index < later; index++) {
      const hop = inst.hop[order[index]! * memberCount + member]!;
      for (let begin = end === layerCount ? inst.lastStart[member]! : 0; begin < end; begin++) {
        if (reach[row + begin]! < end) continue;
        const value = values[index]![begin]! + hop - prefix[row + begin]!;
        if (value < best) [best, from, start] = [value, index, begin];
      }
    }
    if (from < 0) throw new Error("a pipeline with a finite cost has no start");
    members.push(order[from]!);
    ends.push(start);
    later = from;
    end = start;
  }
  return { members: members.reverse(), ends: ends.reverse() };
}
