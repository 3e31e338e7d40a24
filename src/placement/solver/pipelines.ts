/**
 * Solves the linear objective: a bound from Lagrange multipliers, then branch and bound.
 */
import { searchBranches } from "./branch-and-bound.ts";
import type { Incumbent } from "./incumbent.ts";
import { hasRequired, type Instance } from "./instance.ts";
import { MAX_MEMBERS } from "./labels.ts";
import { ascend, createMultipliers, evaluateMultipliers } from "./multipliers.ts";
import { createRelaxation } from "./relaxation.ts";
import { splitOrder } from "./layer-split.ts";

const ROOT_STEPS = 120;
const ROOT_STEPS_SHORT = 40;
/** Rooms with more members get the short ascent. */
const MANY_MEMBERS = 200;

/**
 * Searches pipelines with two or more stages. Returns a lower bound on their linear cost; it is at
 * least the incumbent's cutoff when nothing better exists. A room with more than `MAX_MEMBERS` gets a
 * bound and the plans found on the way to it, but no exact search.
 */
export function solvePipelines(
  inst: Instance,
  incumbent: Incumbent,
  isLate: () => boolean,
): number {
  const { cutoff: target, ascentTarget, startMultipliers } = incumbent;
  const offer = (order: readonly number[]) => {
    if (!hasRequired(inst, order)) return;
    const plan = splitOrder(inst, order);
    if (plan.cost < target()) incumbent.offer(plan);
  };
  const relaxation = createRelaxation(inst);
  const multipliers = createMultipliers(inst.memberCount);
  if (startMultipliers !== undefined) multipliers.visit.set(startMultipliers);
  const everyone = Array.from({ length: inst.memberCount }, (_, member) => member);
  const isShort = inst.memberCount > MANY_MEMBERS || ascentTarget !== undefined;
  ascend(relaxation, multipliers, everyone, {
    steps: isShort ? ROOT_STEPS_SHORT : ROOT_STEPS,
    target,
    aim: ascentTarget,
    isLate,
    onElementaryPath: offer,
  });
  const isSearched =
    multipliers.bound < target() &&
    inst.memberCount <= MAX_MEMBERS &&
    !isLate() &&
    evaluateMultipliers(relaxation, multipliers, everyone, isLate);
  if (!isSearched) return multipliers.bound;
  return searchBranches({ inst, incumbent, isLate, offer }, relaxation, multipliers);
}
