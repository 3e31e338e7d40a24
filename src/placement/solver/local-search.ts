/**
 * Local search over orders; `moves.ts` lists the neighbors of an order. Tables of the current order,
 * forwards and backwards, make a neighbor cost only the stages that differ.
 *
 *   done[i, l]   the cheapest way to run the layers [0, l) on the stages 0 to i
 *   left[i, l]   the cheapest way to run the layers from l on, on the stages i and later
 */
import type { Instance } from "./instance.ts";
import { costOfLast, fillFirst, fillStage, fillTables } from "./layer-split.ts";
import { drops, insertions, reorders, replacements, type Candidate } from "./moves.ts";

type Order = readonly number[];
type State = {
  readonly order: Order;
  readonly cost: number;
  readonly done: Float64Array; // [stages, layers + 1]
  readonly left: Float64Array; // [stages, layers + 1]
};

/** A better order must be better by more than rounding. */
const GAIN = 1e-9;
/** Candidates evaluated between two checks of the clock. */
const CLOCK_INTERVAL = 16;

/** The local optimum reached from `start`; `start` itself if it has no valid split. */
export function improve(inst: Instance, start: Order, isLate: () => boolean): Order {
  let state = stateOf(inst, start);
  let looked = 0;
  const scratch = [0, 1, 2].map(() => new Float64Array(inst.layerCount + 1).fill(Infinity));
  /** Takes the best candidate, or the first better one; false if none is better. */
  const take = (candidates: Iterable<Candidate>, takesFirst = false): boolean => {
    let best = state.cost - GAIN * Math.max(1, state.cost);
    let chosen: Candidate | null = null;
    for (const candidate of candidates) {
      if (++looked % CLOCK_INTERVAL === 0 && isLate()) return false;
      const cost = costOf(inst, state, candidate, scratch);
      if (cost >= best) continue;
      [best, chosen] = [cost, candidate];
      if (takesFirst) break;
    }
    if (chosen !== null) state = stateOf(inst, changed(state.order, chosen));
    return chosen !== null;
  };
  if (state.cost === Infinity || start.length < 2) return start;
  while (
    take(drops(inst, state.order)) ||
    take(reorders(inst, state.order, isLate), true) ||
    take(replacements(inst, state.order)) ||
    take(insertions(inst, state.order))
  );
  return state.order;
}

function changed(order: Order, { keep, middle, resume }: Candidate): Order {
  return order.toSpliced(keep, resume - keep, ...middle);
}

/** Of an order with a candidate's change. `scratch` is overwritten. */
function costOf(
  inst: Instance,
  { order, done, left }: State,
  candidate: Candidate,
  scratch: readonly Float64Array[], // [3][layers + 1]
): number {
  const { memberCount, layerCount, hop, close } = inst;
  const width = layerCount + 1;
  const count = order.length;
  let { keep, middle, resume } = candidate;
  // A stage that becomes the first or the last one is computed again.
  if (keep === 0 && middle.length === 0) middle = [order[resume++]!];
  if (resume === count && middle.length === 0) middle = [order[--keep]!];
  const first = keep > 0 ? order[0]! : middle[0]!;
  const last = resume < count ? order[count - 1]! : middle[middle.length - 1]!;
  const closing = close[last * memberCount + first]!;
  const [before, ...both] = scratch as [Float64Array, Float64Array, Float64Array];
  let values = done.subarray((keep - 1) * width, keep * width);
  let member = order[keep - 1] ?? -1;
  for (const [index, next] of middle.entries()) {
    const into = both[index % 2]!;
    if (member < 0) {
      fillFirst(inst, next, into.fill(Infinity));
    } else {
      const hopMs = hop[member * memberCount + next]!;
      for (let layer = 1; layer < layerCount; layer++) before[layer] = values[layer]! + hopMs;
      if (resume === count && index === middle.length - 1)
        return costOfLast(inst, next, before) + closing;
      fillStage(inst, next, before, into);
    }
    values = into;
    member = next;
  }
  let least = Infinity;
  for (let layer = 1; layer < layerCount; layer++)
    least = Math.min(least, values[layer]! + left[resume * width + layer]!);
  return least + hop[member * memberCount + order[resume]!]! + closing;
}

function stateOf(inst: Instance, order: Order): State {
  const { cost, values } = fillTables(inst, order, false);
  const { layerCount, memberCount, prefix, reach, stage, head, hop, lastStart } = inst;
  const width = layerCount + 1;
  const left = new Float64Array(order.length * width).fill(Infinity);
  for (let index = order.length - 1; index >= 1; index--) {
    const member = order[index]!;
    const row = member * width;
    const after = (index + 1) * width;
    const way = hop[member * memberCount + (order[index + 1] ?? 0)]!;
    for (let start = layerCount - 1; start >= 1; start--) {
      let best = Infinity;
      if (index === order.length - 1) {
        if (start >= lastStart[member]!) best = prefix[row + layerCount]! + head[member]!;
      } else
        for (let end = start + 1; end <= reach[row + start]! && end < layerCount; end++)
          best = Math.min(best, prefix[row + end]! + left[after + end]! + way);
      left[index * width + start] = best - prefix[row + start]! + stage[member]!;
    }
  }
  return { order, cost, done: values, left };
}
