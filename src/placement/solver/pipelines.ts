/**
 * The linear objective solved: bounds from prices, members that cannot matter
 * left out, then a search split by first members (branches.ts), with beams that
 * widen until nothing better was dropped.
 */
import { searchBranches } from "./branch-and-bound.ts";
import type { Incumbent } from "./incumbent.ts";
import type { Instance } from "./instance.ts";
import { MOST_MEMBERS } from "./labels.ts";
import { climb, createPrices, reprice, type Prices } from "./multipliers.ts";
import { createRelaxation } from "./relaxation.ts";
import { boundThrough, restrict } from "./elimination.ts";
import { splitOrder } from "./layer-split.ts";

const ROOT_STEPS = 120;
const ROOT_STEPS_SHORT = 40;

/**
 * Searches pipelines of two and more stages. Returns a lower bound on their
 * linear cost, at least the incumbent's cutoff when nothing better exists.
 */
export function solvePipelines(
  whole: Instance,
  incumbent: Incumbent,
  isLate: () => boolean,
): number {
  let inst = whole;
  const offer = (order: readonly number[]) => {
    if (inst.required.some((flag, d) => flag === 1 && !order.includes(d))) return;
    const split = splitOrder(inst, order);
    if (split.cost < incumbent.cutoff()) incumbent.offer(inst, order, split.ends, split.cost);
  };
  const target = incumbent.cutoff;
  let relaxation = createRelaxation(inst);
  let prices = createPrices(inst.n);
  if (incumbent.startPrices !== null) prices.price.set(incumbent.startPrices);
  const everyone = () => Array.from({ length: inst.n }, (_, d) => d);
  const closing = new Float64Array(inst.n);
  for (let round = 0; round < 2; round++) {
    climb(relaxation, prices, everyone(), {
      steps: inst.n > 200 || incumbent.aim !== null ? ROOT_STEPS_SHORT : ROOT_STEPS,
      target,
      aim: incumbent.aim,
      isLate,
      onPath: offer,
    });
    if (prices.bound >= target() || isLate()) return prices.bound;
    if (!reprice(relaxation, prices, everyone(), closing, isLate)) return prices.bound;
    const through = boundThrough(relaxation, prices);
    if (inst.required.some((flag, d) => flag === 1 && through[d]! >= target())) return target();
    const keep: number[] = [];
    for (let d = 0; d < inst.n; d++) if (through[d]! < target()) keep.push(d);
    if (keep.length === inst.n) break;
    inst = restrict(inst, keep);
    prices = keepPrices(prices, keep);
    relaxation = createRelaxation(inst);
    if (!reprice(relaxation, prices, everyone(), closing, isLate)) return prices.bound;
  }
  if (inst.n <= MOST_MEMBERS)
    return searchBranches({ inst, incumbent, isLate, offer }, relaxation, prices);
  // Too many for a proof: a search among the most promising, for its plans only.
  const through = boundThrough(relaxation, prices);
  const best = Array.from(through.keys())
    .sort((a, b) => through[a]! - through[b]! || a - b)
    .slice(0, MOST_MEMBERS)
    .sort((a, b) => a - b);
  const bound = prices.bound;
  inst = restrict(inst, best);
  relaxation = createRelaxation(inst);
  prices = keepPrices(prices, best);
  if (reprice(relaxation, prices, everyone(), closing, isLate))
    searchBranches({ inst, incumbent, isLate, offer }, relaxation, prices);
  return bound;
}

function keepPrices(prices: Prices, keep: readonly number[]): Prices {
  const some = (all: Float64Array) => Float64Array.from(keep, (d) => all[d]!);
  return {
    price: some(prices.price),
    rent: some(prices.rent),
    paid: some(prices.paid),
    perStage: prices.perStage,
    bound: prices.bound,
  };
}
