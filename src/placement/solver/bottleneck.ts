/**
 * Throughput: the slowest stage, or the slowest transfer between two stages. A cap on it only shrinks
 * domains, so the rest of the solver works on a capped instance as on any other.
 */
import { hasRequired, type Instance } from "./instance.ts";
import type { Plan } from "./plan.ts";
import { splitOrder } from "./layer-split.ts";

/** Steps of a bisection. */
const BISECTIONS = 40;
/** Caps tried between the best throughput and the best latency of one order. */
const WEIGHTED_STEPS = 12;
/** Sums of the same times in different orders differ by less than this. */
const ROUNDING = 1 + 1e-12;

/** `inst` without shards and hops that take longer than `capMs`. */
export function capDomains(inst: Instance, capMs: number): Instance {
  const { memberCount, layerCount, busyPrefix, busyStage } = inst;
  if (capMs === Infinity) return inst;
  const cap = capMs * ROUNDING;
  const reach = inst.reach.slice();
  const firstEnd = inst.firstEnd.slice();
  const lastStart = inst.lastStart.slice();
  const single = inst.single.slice();
  for (let member = 0; member < memberCount; member++) {
    const row = member * (layerCount + 1);
    const spare = cap - busyStage[member]!;
    let end = 0;
    for (let layer = 0; layer < layerCount; layer++) {
      end = Math.max(end, layer);
      while (
        end < inst.reach[row + layer]! &&
        busyPrefix[row + end + 1]! - busyPrefix[row + layer]! <= spare
      )
        end++;
      reach[row + layer] = Math.min(end, inst.reach[row + layer]!);
    }
    const first = spare - inst.busyEmbed[member]!;
    while (firstEnd[member]! > 0 && busyPrefix[row + firstEnd[member]!]! > first)
      firstEnd[member]!--;
    const last = spare - inst.busyHead[member]!;
    while (
      lastStart[member]! < layerCount &&
      (busyPrefix[row + layerCount]! - busyPrefix[row + lastStart[member]!]! > last ||
        reach[row + lastStart[member]!]! < layerCount)
    )
      lastStart[member]!++;
    const alone = cap - inst.busyAlone[member]! - inst.busyEmbed[member]! - inst.busyHead[member]!;
    if (busyPrefix[row + layerCount]! > alone) single[member] = 0;
  }
  const hop = inst.hop.map((ms, index) => (inst.transfer[index]! > cap ? Infinity : ms));
  return { ...inst, reach, firstEnd, lastStart, single, hop };
}

/** The slowest stage or transfer of a complete plan, ms. */
export function bottleneckOf(
  inst: Instance,
  { order, ends }: Pick<Plan, "order" | "ends">,
): number {
  const { memberCount, layerCount, busyPrefix } = inst;
  const busyStage = order.length === 1 ? inst.busyAlone : inst.busyStage;
  let worst = 0;
  let start = 0;
  for (let index = 0; index < order.length; index++) {
    const member = order[index]!;
    const row = member * (layerCount + 1);
    const end = ends[index]!;
    let ms = busyStage[member]! + busyPrefix[row + end]! - busyPrefix[row + start]!;
    if (index === 0) ms += inst.busyEmbed[member]!;
    if (index === order.length - 1) ms += inst.busyHead[member]!;
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

/** The best boundaries for an order under the problem's objective; null where none fit. */
export function splitForObjective(inst: Instance, order: readonly number[]): Plan | null {
  if (!hasRequired(inst, order)) return null;
  const byLatency = splitOrder(inst, order);
  if (byLatency.cost === Infinity) return null;
  const weight = inst.throughputWeight;
  if (weight === 0) return byLatency;
  // The linear cost is 0 where only the bottleneck counts.
  const planFrom = (split: Plan): Plan => ({
    ...split,
    cost: split.cost + weight * bottleneckOf(inst, split),
  });
  const first = planFrom(byLatency);
  const slowest = bottleneckOf(inst, byLatency);
  const byThroughput = fastestSplit(inst, order, slowest) ?? byLatency;
  let best = planFrom(byThroughput);
  if (first.cost < best.cost) best = first;
  if (isThroughputOnly(inst)) return best;
  const fastest = bottleneckOf(inst, byThroughput);
  for (let step = 1; step < WEIGHTED_STEPS; step++) {
    const cap = fastest + ((slowest - fastest) * step) / WEIGHTED_STEPS;
    const split = splitOrder(capDomains(inst, cap), order);
    if (split.cost === Infinity) continue;
    const plan = planFrom(split);
    if (plan.cost < best.cost) best = plan;
  }
  return best;
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
