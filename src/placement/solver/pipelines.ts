/**
 * Solves the linear objective: a bound from Lagrange multipliers, elimination of members that cannot be
 * part of a better plan, then branch and bound.
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
 * Searches pipelines with two or more stages. Returns a lower bound on their linear cost; it is at
 * least the incumbent's cutoff when nothing better exists.
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
  let multipliers = createMultipliers(inst.memberCount);
  if (incumbent.startMultipliers !== null) multipliers.visit.set(incumbent.startMultipliers);
  const everyone = () => Array.from({ length: inst.memberCount }, (_, member) => member);
  const closing = new Float64Array(inst.memberCount);
  for (let round = 0; round < 2; round++) {
    ascend(relaxation, multipliers, everyone(), {
      steps:
        inst.memberCount > 200 || incumbent.ascentTarget !== null ? ROOT_STEPS_SHORT : ROOT_STEPS,
      target,
      aim: incumbent.ascentTarget,
      isLate,
      onElementaryPath: offer,
    });
    if (multipliers.bound >= target() || isLate()) return multipliers.bound;
    if (!evaluateMultipliers(relaxation, multipliers, everyone(), closing, isLate))
      return multipliers.bound;
    const through = boundThrough(relaxation, multipliers);
    if (inst.required.some((flag, member) => flag === 1 && through[member]! >= target()))
      return target();
    const keep: number[] = [];
    for (let member = 0; member < inst.memberCount; member++)
      if (through[member]! < target()) keep.push(member);
    if (keep.length === inst.memberCount) break;
    inst = restrict(inst, keep);
    multipliers = keepMultipliers(multipliers, keep);
    relaxation = createRelaxation(inst);
    if (!evaluateMultipliers(relaxation, multipliers, everyone(), closing, isLate))
      return multipliers.bound;
  }
  if (inst.memberCount <= MAX_MEMBERS)
    return searchBranches({ inst, incumbent, isLate, offer }, relaxation, multipliers);
  // Too many members for a proof: search among the most promising, for plans only.
  const through = boundThrough(relaxation, multipliers);
  const best = Array.from(through.keys())
    .sort((left, right) => through[left]! - through[right]! || left - right)
    .slice(0, MAX_MEMBERS)
    .sort((one, other) => one - other);
  const bound = multipliers.bound;
  inst = restrict(inst, best);
  relaxation = createRelaxation(inst);
  multipliers = keepMultipliers(multipliers, best);
  if (evaluateMultipliers(relaxation, multipliers, everyone(), closing, isLate))
    searchBranches({ inst, incumbent, isLate, offer }, relaxation, multipliers);
  return bound;
}

function keepMultipliers(multipliers: Multipliers, keep: readonly number[]): Multipliers {
  const some = (all: Float64Array) => Float64Array.from(keep, (member) => all[member]!);
  return {
    visit: some(multipliers.visit),
    returnTo: some(multipliers.returnTo),
    charge: some(multipliers.charge),
    perStage: multipliers.perStage,
    bound: multipliers.bound,
  };
}
