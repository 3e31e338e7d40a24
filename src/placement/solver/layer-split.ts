/**
 * The best layer boundaries for a given order of members, exact, in time proportional to stages times
 * layers.
 *
 *   value[i, l]   the cheapest way to run the layers [0, l) when the stage at position i ends at l
 *   stage         turns the values before it into the values after it; its window of starts only moves
 *                 forward, so a monotone queue finds every minimum
 */
import type { Instance, Plan } from "./instance.ts";

/** Tables for an order, and the cheapest pipeline in them. */
type Tables = {
  readonly values: Float64Array; // [positions, layers + 1]
  /** Infinity where nothing fits. */
  readonly cost: number;
  /** The position of the last stage. */
  readonly last: number;
};

/**
 * The best boundaries for exactly this order, by linear cost; the cost is Infinity where nothing fits.
 * With `skips`, the best pipeline that visits members in this order and may leave out any but the first.
 */
export function splitOrder(inst: Instance, order: readonly number[], skips = false): Plan {
  const tables = fillTables(inst, order, skips);
  const { cost } = tables;
  if (cost === Infinity) return { order, ends: new Int32Array(0), cost };
  return { ...trace(inst, order, tables, skips), cost };
}

/** The tables of `splitOrder`. Those of the last position are not filled. */
export function fillTables(inst: Instance, order: readonly number[], skips: boolean): Tables {
  const { memberCount } = inst;
  const width = inst.layerCount + 1;
  const end = order.length - 1;
  const values = new Float64Array(order.length * width).fill(Infinity);
  if (end < 0 || (!skips && order.length > inst.maxStages))
    return { values, cost: Infinity, last: end };
  const first = order[0]!;
  let last = 0;
  let cost = skips || end === 0 ? singleCost(inst, first) : Infinity;
  fillFirst(inst, first, values);
  const before = new Float64Array(width);
  for (let at = 1; at <= end; at++) {
    const member = order[at]!;
    before.fill(Infinity);
    for (let earlier = skips ? 0 : at - 1; earlier < at; earlier++) {
      const hopMs = inst.hop[order[earlier]! * memberCount + member]!;
      const row = earlier * width;
      for (let layer = 1; layer < inst.layerCount; layer++)
        if (values[row + layer]! + hopMs < before[layer]!)
          before[layer] = values[row + layer]! + hopMs;
    }
    if (skips || at === end) {
      const total = costOfLast(inst, member, before) + inst.close[member * memberCount + first]!;
      if (total < cost) [cost, last] = [total, at];
    }
    if (at < end) fillStage(inst, member, before, values.subarray(at * width, (at + 1) * width));
  }
  return { values, cost, last };
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

/** The values after the first stage, with its overhead and the embedding. */
export function fillFirst(inst: Instance, member: number, values: Float64Array): void {
  const row = member * (inst.layerCount + 1);
  const base = inst.stage[member]! + inst.embed[member]!;
  for (let end = 1; end <= inst.firstEnd[member]! && end < inst.layerCount; end++)
    values[end] = base + inst.prefix[row + end]!;
}

/** A queue of candidate layers, shared by all calls, which are never nested. */
let queue = new Int32Array(1024);

/** The values after an inner stage on `member`; `before` and `values` have layers + 1 numbers. */
export function fillStage(
  inst: Instance,
  member: number,
  before: Float64Array,
  values: Float64Array,
): void {
  const { layerCount, prefix, reach } = inst;
  const row = member * (layerCount + 1);
  const stage = inst.stage[member]!;
  if (queue.length < layerCount) queue = new Int32Array(layerCount * 2);
  let head = 0;
  let tail = 0;
  for (let until = 1; until < layerCount; until++) {
    const from = until - 1;
    const key = before[from]! - prefix[row + from]!;
    if (key < Infinity) {
      while (tail > head) {
        const back = queue[tail - 1]!;
        if (before[back]! - prefix[row + back]! < key) break;
        tail--;
      }
      queue[tail++] = from;
    }
    while (tail > head && reach[row + queue[head]!]! < until) head++;
    const best = queue[head]!;
    values[until] =
      tail > head ? before[best]! - prefix[row + best]! + prefix[row + until]! + stage : Infinity;
  }
}

/** The lowest cost of a pipeline whose last stage is on `member`, head included. */
export function costOfLast(inst: Instance, member: number, before: Float64Array): number {
  const { layerCount, prefix } = inst;
  const row = member * (layerCount + 1);
  let best = Infinity;
  for (let start = inst.lastStart[member]!; start < layerCount; start++)
    best = Math.min(best, before[start]! - prefix[row + start]!);
  return best + prefix[row + layerCount]! + inst.stage[member]! + inst.head[member]!;
}

/** Follows the tables back from the last stage. */
function trace(
  inst: Instance,
  order: readonly number[],
  { values, last }: Tables,
  skips: boolean,
): Pick<Plan, "order" | "ends"> {
  const { memberCount, layerCount, prefix, reach } = inst;
  const width = layerCount + 1;
  const members = [order[last]!];
  const ends = [layerCount];
  let later = last;
  let end = layerCount;
  while (later > 0) {
    const member = order[later]!;
    const row = member * width;
    let best = Infinity;
    let from = -1;
    let start = -1;
    for (let index = skips ? 0 : later - 1; index < later; index++) {
      const hop = inst.hop[order[index]! * memberCount + member]!;
      for (let begin = end === layerCount ? inst.lastStart[member]! : 0; begin < end; begin++) {
        if (reach[row + begin]! < end) continue;
        const value = values[index * width + begin]! + hop - prefix[row + begin]!;
        if (value < best) [best, from, start] = [value, index, begin];
      }
    }
    if (from < 0) throw new Error("a pipeline with a finite cost has no start");
    members.push(order[from]!);
    ends.push(start);
    later = from;
    end = start;
  }
  return { order: members.reverse(), ends: Int32Array.from(ends.reverse()) };
}
