/**
 * The lowest bottleneck: the lowest cap on the slowest stage and transfer that leaves a pipeline. Each
 * cap is a search without costs, driven by the multipliers alone: a relaxed path that is charged more
 * than the constant term proves that no pipeline exists.
 */
import { SAME_COST } from "./plan-answer.ts";
import type { BestPlan } from "./incumbent.ts";
import { bottleneckOf, capDomains, isThroughputOnly, splitForObjective } from "./bottleneck.ts";
import { solvePipelines } from "./pipelines.ts";
import { largestShards } from "./domains.ts";
import { buildInstance, hasRequired, type Instance } from "./instance.ts";

/** Where between bound and best the next caps are tried; the first value is never used. */
const PROBES = [1, 0.02, 0.1, 0.3, 0.5, 0.5, 0.5];
/** The gap, as a fraction of the best, below which the final proof is tried. */
const CLOSE = 1e-4;
/** Steps of the bisection by memory alone. */
const CAPACITY_STEPS = 40;
/** Without costs, a bound above this is a proof and not rounding. */
const MIN_PROOF = 1e-6;

/** An order within a cap, or whether there is none. */
export type Feasibility =
  | { readonly kind: "found"; readonly order: readonly number[]; readonly ends: Int32Array }
  | { readonly kind: "impossible" }
  | { readonly kind: "undecided" };

/**
 * Lowers the bottleneck of `best`, for throughput alone or a weighted objective. `best` knows all plans
 * of one stage. Returns a lower bound on the bottleneck of the others, ms.
 */
export function solveThroughput(
  inst: Instance,
  best: BestPlan,
  isLate: () => boolean,
): { readonly lowestMs: number; readonly isProven: boolean } {
  let high = best.plan === null ? Infinity : bottleneckOf(inst, best.plan);
  let low = lowestByCapacity(inst, high);
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
    high = Math.min(cap, bottleneckOf(inst, result));
    const split = splitForObjective(inst, result.order);
    if (split === null) continue;
    best.offer(split);
    high = Math.min(high, bottleneckOf(inst, split));
  }
  return { lowestMs: low, isProven: false };
}

/** Any pipeline in which no stage and no transfer takes longer than `capMs`. */
export function withinCap(inst: Instance, capMs: number, isLate: () => boolean): Feasibility {
  // Where only throughput counts, the linear costs are 0.
  const free = isThroughputOnly(inst)
    ? inst
    : buildInstance({ ...inst.problem, objective: "throughput" });
  const capped = capDomains(free, capMs);
  const search: { result: Feasibility } = { result: { kind: "undecided" } };
  for (let index = 0; index < inst.memberCount; index++) {
    if (capped.single[index] === 1 && hasRequired(inst, [index]))
      return { kind: "found", order: [index], ends: Int32Array.of(inst.layerCount) };
  }
  const bound = solvePipelines(
    capped,
    {
      cutoff: () => (search.result.kind === "found" ? -Infinity : MIN_PROOF),
      ascentTarget: 1,
      startMultipliers: largestShards(capped).map((layers) => layers / inst.layerCount),
      offer: ({ order, ends }) => void (search.result = { kind: "found", order, ends }),
    },
    isLate,
  );
  if (search.result.kind === "found") return search.result;
  return bound >= MIN_PROOF ? { kind: "impossible" } : { kind: "undecided" };
}

/** The lowest cap under which the largest shards together cover the layers. */
function lowestByCapacity(inst: Instance, high: number): number {
  if (high === Infinity) return 0;
  let low = 0;
  let most = high;
  for (let step = 0; step < CAPACITY_STEPS; step++) {
    const middle = (low + most) / 2;
    const held = largestShards(capDomains(inst, middle)).reduce((sum, layers) => sum + layers, 0);
    if (held < inst.layerCount) low = middle;
    else most = middle;
  }
  return low;
}
