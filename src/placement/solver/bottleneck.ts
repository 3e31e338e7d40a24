/**
 * Throughput: the slowest stage, or the slowest transfer between two stages. A cap on it only shrinks
 * domains, so the rest of the solver works on a capped instance as on any other.
 */
import { hasRequired, type Instance, type Plan } from "./instance.ts";
import { splitOrder } from "./layer-split.ts";

/** Steps of a bisection. */
const BISECTIONS = 40;
/** Sums of the same times in different orders differ by less than this. */
const ROUNDING = 1 + 1e-12;

/** `inst` without shards and hops that take longer than `capMs`. */
export function capDomains(inst: Instance, capMs: number): Instance {
  const { memberCount, layerCount, busy } = inst;
  if (capMs === Infinity) return inst;
  const cap = capMs * ROUNDING;
  const reach = inst.reach.slice();
  const firstEnd = inst.firstEnd.slice();
  const lastStart = inst.lastStart.slice();
  const single = inst.single.slice();
  for (let member = 0; member < memberCount; member++) {
    const row = member * (layerCount + 1);
    const spare = cap - busy.stage[member]!;
    let end = 0;
    for (let layer = 0; layer < layerCount; layer++) {
      end = Math.max(end, layer);
      while (
        end < inst.reach[row + layer]! &&
        busy.prefix[row + end + 1]! - busy.prefix[row + layer]! <= spare
      )
        end++;
      reach[row + layer] = Math.min(end, inst.reach[row + layer]!);
    }
    const first = spare - busy.embed[member]!;
    while (firstEnd[member]! > 0 && busy.prefix[row + firstEnd[member]!]! > first)
      firstEnd[member]!--;
    const last = spare - busy.head[member]!;
    while (
      lastStart[member]! < layerCount &&
      (busy.prefix[row + layerCount]! - busy.prefix[row + lastStart[member]!]! > last ||
        reach[row + lastStart[member]!]! < layerCount)
    )
      lastStart[member]!++;
    const alone = cap - busy.alone[member]! - busy.embed[member]! - busy.head[member]!;
    if (busy.prefix[row + layerCount]! > alone) single[member] = 0;
  }
  const hop = inst.hop.map((ms, index) => (inst.transfer[index]! > cap ? Infinity : ms));
  return { ...inst, reach, firstEnd, lastStart, single, hop };
}

/** The slowest stage or transfer of a complete plan, ms. */
export function bottleneckOf(
  inst: Instance,
  { order, ends }: Pick<Plan, "order" | "ends">,
): number {
  const { memberCount, layerCount, busy } = inst;
  const stage = order.length === 1 ? busy.alone : busy.stage;
  let worst = 0;
  let start = 0;
  for (let index = 0; index < order.length; index++) {
    const member = order[index]!;
    const row = member * (layerCount + 1);
    const end = ends[index]!;
    let ms = stage[member]! + busy.prefix[row + end]! - busy.prefix[row + start]!;
    if (index === 0) ms += busy.embed[member]!;
    if (index === order.length - 1) ms += busy.head[member]!;
    else worst = Math.max(worst, inst.transfer[member * memberCount + order[index + 1]!]!);
    worst = Math.max(worst, ms);
    start = end;
  }
  return worst;
}

/** Whether only the bottleneck counts. */
export function isThroughputOnly(inst: Instance): boolean {
  const { objective } = inst.problem;
  if (typeof objective === "string") return objective === "throughput";
  return objective.latency === 0 && objective.prefill === 0;
}

/**
 * Boundaries for an order under the problem's objective: the best ones, or for a weighted sum the better of
 * those for either part; null where none fit.
 */
export function splitForObjective(inst: Instance, order: readonly number[]): Plan | null {
  if (!hasRequired(inst, order)) return null;
  const byLatency = splitOrder(inst, order);
  if (byLatency.cost === Infinity) return null;
  const weight = inst.throughputWeight;
  if (weight === 0) return byLatency;
  const withBottleneck = (split: Plan): Plan => ({
    ...split,
    cost: split.cost + weight * bottleneckOf(inst, split),
  });
  const cheapest = withBottleneck(byLatency);
  const split = fastestSplit(inst, order, bottleneckOf(inst, byLatency)) ?? byLatency;
  const fastest = withBottleneck(split);
  return cheapest.cost < fastest.cost ? cheapest : fastest;
}

/** The boundaries with the lowest bottleneck, by bisection. */
function fastestSplit(inst: Instance, order: readonly number[], slowest: number): Plan | null {
  let high = slowest;
  let low = 0;
  let best: Plan | null = null;
  for (let step = 0; step < BISECTIONS && high - low > 1e-9 * high; step++) {
    const middle = (low + high) / 2;
    const split = splitOrder(capDomains(inst, middle), order);
    if (split.cost === Infinity) low = middle;
    else {
      best = split;
      high = Math.min(middle, bottleneckOf(inst, split));
    }
  }
  return best;
}
