/**
 * The least bottleneck: which caps on the slowest stage and transfer still leave
 * a pipeline. Every cap is a search without costs, where prices alone decide: a
 * relaxed path that pays more than all prices together proves that none exists.
 */
import { SAME_COST } from "./plan-answer.ts";
import type { BestPlan } from "./incumbent.ts";
import { bottleneckOf, capDomains, splitForObjective } from "./bottleneck.ts";
import { solvePipelines } from "./pipelines.ts";
import type { Instance } from "./instance.ts";

/** Where between bound and best the next caps are tried; the first is never used. */
const PROBES = [1, 0.02, 0.1, 0.3, 0.5, 0.5, 0.5];
/** Bound and best so close that the last proof is tried, in parts of the best. */
const CLOSE = 1e-4;
/** Steps of the bisection by room alone. */
const ROOM_STEPS = 40;
/** A bound above this, with no costs, is a proof and no rounding. */
const SOME = 1e-6;

/** An order that keeps within a cap, or whether none does. */
export type Feasibility =
  | { readonly kind: "found"; readonly order: readonly number[]; readonly ends: Int32Array }
  | { readonly kind: "impossible" }
  | { readonly kind: "undecided" };

/**
 * Lowers the bottleneck of `best`, whose plans are priced by throughput alone or
 * by a mix. Returns a lower bound on the bottleneck of any plan, ms.
 */
export function solveThroughput(
  inst: Instance,
  best: BestPlan,
  isLate: () => boolean,
): { readonly lowestMs: number; readonly isProven: boolean } {
  let high = Infinity;
  const plan = best.plan;
  if (plan !== null) high = bottleneckOf(inst, best.orderIn(inst), plan.ends);
  let low = lowestByRoom(inst, high);
  let tests = 0;
  while (!isLate()) {
    const isFinal = high === Infinity || ++tests % PROBES.length === 0 || high - low < CLOSE * high;
    const cap = isFinal
      ? high * (1 - SAME_COST)
      : low + (high - low) * PROBES[tests % PROBES.length]!;
    if (cap <= low) return { lowestMs: high, isProven: true };
    const result = withinCap(inst, cap, isLate);
    if (result.kind === "undecided") break;
    if (result.kind === "impossible") {
      low = Math.max(low, cap);
      if (isFinal) return { lowestMs: high, isProven: true };
      continue;
    }
    high = Math.min(cap, bottleneckOf(inst, result.order, result.ends));
    const split = splitForObjective(inst, result.order);
    if (split === null) continue;
    best.offerPlan(inst, split);
    high = Math.min(high, bottleneckOf(inst, split.order, split.ends));
  }
  return { lowestMs: low, isProven: false };
}

/** Any pipeline of which no stage and no transfer takes longer than `capMs`. */
export function withinCap(inst: Instance, capMs: number, isLate: () => boolean): Feasibility {
  const capped = withoutCosts(capDomains(inst, capMs));
  const search: { result: Feasibility } = { result: { kind: "undecided" } };
  for (let d = 0; d < inst.n; d++) {
    if (capped.single[d] !== 1 || inst.required.some((flag, e) => flag === 1 && e !== d)) continue;
    return { kind: "found", order: [d], ends: Int32Array.of(inst.L) };
  }
  const bound = solvePipelines(
    capped,
    {
      cutoff: () => (search.result.kind === "found" ? -Infinity : SOME),
      aim: 1,
      startPrices: largestShards(capped).map((layers) => layers / inst.L),
      offer: (part, order, ends) => {
        const position = new Map<number, number>();
        inst.memberOf.forEach((member, d) => position.set(member, d));
        search.result = {
          kind: "found",
          order: order.map((d) => position.get(part.memberOf[d]!)!),
          ends,
        };
      },
    },
    isLate,
  );
  if (search.result.kind === "found") return search.result;
  return bound >= SOME ? { kind: "impossible" } : { kind: "undecided" };
}

/** The largest number of layers that each member can hold in one shard. */
function largestShards({ n, L, reach, minEnd }: Instance): Float64Array {
  const most = new Float64Array(n);
  for (let d = 0; d < n; d++)
    for (let l = 0; l < L; l++)
      if (reach[d * (L + 1) + l]! >= minEnd[d * (L + 1) + l]!)
        most[d] = Math.max(most[d]!, reach[d * (L + 1) + l]! - l);
  return most;
}

/** The least cap under which the largest shards together are no fewer than the layers. */
function lowestByRoom(inst: Instance, high: number): number {
  if (high === Infinity) return 0;
  let low = 0;
  let most = high;
  for (let step = 0; step < ROOM_STEPS; step++) {
    const middle = (low + most) / 2;
    const held = largestShards(capDomains(inst, middle)).reduce((sum, layers) => sum + layers, 0);
    if (held < inst.L) low = middle;
    else most = middle;
  }
  return low;
}

function withoutCosts(inst: Instance): Instance {
  const free = (pairs: Float64Array) => pairs.map((ms) => (ms === Infinity ? Infinity : 0));
  const nothing = new Float64Array(inst.n);
  return {
    ...inst,
    prefix: new Float64Array(inst.prefix.length),
    layer: new Float64Array(inst.layer.length),
    stage: nothing,
    embed: nothing,
    head: nothing,
    hop: free(inst.hop),
    close: free(inst.close),
  };
}
