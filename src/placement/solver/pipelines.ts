/**
 * The linear objective solved: bounds from prices, members that cannot matter
 * left out, then a search split by first members (branches.ts), with beams that
 * widen until nothing better was dropped.
 */
import { searchBranches } from "./branch-and-bound.ts";
import type { Incumbent } from "./incumbent.ts";
import type { Instance } from "./instance.ts";
import { MAX_MEMBERS } from "./labels.ts";
import { ascend, createMultipliers, evaluateMultipliers, type Multipliers } from "./multipliers.ts";
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
    if (inst.required.some((flag, member) => flag === 1 && !order.includes(member))) return;
    const split = splitOrder(inst, order);
    if (split.cost < incumbent.cutoff()) incumbent.offer(inst, order, split.ends, split.cost);
  };
  const target = incumbent.cutoff;
  let relaxation = createRelaxation(inst);
  let prices = createMultipliers(inst.memberCount);
  if (incumbent.startMultipliers !== null) prices.visit.set(incumbent.startMultipliers);
  const everyone = () => Array.from({ length: inst.memberCount }, (_, member) => member);
  const closing = new Float64Array(inst.memberCount);
  for (let round = 0; round < 2; round++) {
    ascend(relaxation, prices, everyone(), {
      steps:
        inst.memberCount > 200 || incumbent.ascentTarget !== null ? ROOT_STEPS_SHORT : ROOT_STEPS,
      target,
      aim: incumbent.ascentTarget,
      isLate,
      onElementaryPath: offer,
    });
    if (prices.bound >= target() || isLate()) return prices.bound;
    if (!evaluateMultipliers(relaxation, prices, everyone(), closing, isLate)) return prices.bound;
    const through = boundThrough(relaxation, prices);
    if (inst.required.some((flag, member) => flag === 1 && through[member]! >= target()))
      return target();
    const keep: number[] = [];
    for (let member = 0; member < inst.memberCount; member++)
      if (through[member]! < target()) keep.push(member);
    if (keep.length === inst.memberCount) break;
    inst = restrict(inst, keep);
    prices = keepPrices(prices, keep);
    relaxation = createRelaxation(inst);
    if (!evaluateMultipliers(relaxation, prices, everyone(), closing, isLate)) return prices.bound;
  }
  if (inst.memberCount <= MAX_MEMBERS)
    return searchBranches({ inst, incumbent, isLate, offer }, relaxation, prices);
  // Too many for a proof: a search among the most promising, for its plans only.
  const through = boundThrough(relaxation, prices);
  const best = Array.from(through.keys())
    .sort((left, right) => through[left]! - through[right]! || left - right)
    .slice(0, MAX_MEMBERS)
    .sort((one, other) => one - other);
  const bound = prices.bound;
  inst = restrict(inst, best);
  relaxation = createRelaxation(inst);
  prices = keepPrices(prices, best);
  if (evaluateMultipliers(relaxation, prices, everyone(), closing, isLate))
    searchBranches({ inst, incumbent, isLate, offer }, relaxation, prices);
  return bound;
}

function keepPrices(prices: Multipliers, keep: readonly number[]): Multipliers {
  const some = (all: Float64Array) => Float64Array.from(keep, (member) => all[member]!);
  return {
    visit: some(prices.visit),
    returnTo: some(prices.returnTo),
    charge: some(prices.charge),
    perStage: prices.perStage,
    bound: prices.bound,
  };
}
