/**
 * A placement within a millisecond, by rules: fastest members first, most memory first, best connected
 * first, each with the best split for its order. The exact search starts from it, and it is the
 * fallback when the solver's worker hangs.
 */
import type { Answer } from "../problem/answer.ts";
import { foundAnswer, unknownAnswer } from "./plan-answer.ts";
import { bottleneckOf, capDomains, splitForObjective } from "./bottleneck.ts";
import { explainInfeasible, isImpossible } from "./infeasible.ts";
import { largestShards } from "./domains.ts";
import { buildInstance, type Instance, type Plan } from "./instance.ts";
import type { Problem } from "../problem/problem.ts";
import { splitOrder } from "./layer-split.ts";

/** Orders are truncated to this length: in a very large room, the remaining members are slower. */
const MAX_CANDIDATES = 64;
/** Bisections of the cap on the bottleneck that a rule tries for throughput. */
const CAP_STEPS = 5;
/** First members that each rule tries. */
const FIRST_MEMBERS = 3;

/**
 * The best placement of the greedy rules, with a bound of 0. `infeasible` only if proven; `unknown`
 * if the rules find nothing.
 */
export function placeGreedy(problem: Problem): Answer {
  const inst = buildInstance(problem);
  if (isImpossible(inst)) return explainInfeasible(inst, findsGreedyPlan);
  const [plan] = greedyPlans(inst);
  if (plan === undefined) return unknownAnswer(problem, { kind: "greedy_rules_failed" });
  return foundAnswer(inst, plan, 0);
}

/** Whether the rules find a plan at all. */
export function findsGreedyPlan(inst: Instance): boolean {
  return !isImpossible(inst) && greedyPlans(inst).length > 0;
}

/** The best plan of each rule that finds one, cheapest first. */
export function greedyPlans(inst: Instance): Plan[] {
  const plans: Plan[] = [];
  for (const order of greedyOrders(inst)) {
    let best: Plan | null = null;
    for (let start = 0; start < Math.min(FIRST_MEMBERS, order.length); start++) {
      const rotated = [...order.slice(start), ...order.slice(0, start)];
      const plan = planInOrder(inst, rotated);
      if (plan !== null && (best === null || plan.cost < best.cost)) best = plan;
    }
    if (best !== null) plans.push(best);
  }
  return plans.sort((left, right) => left.cost - right.cost);
}

/** The best plan for this order; for throughput, under decreasing caps. */
function planInOrder(inst: Instance, order: readonly number[]): Plan | null {
  let best = splitForObjective(inst, splitOrder(inst, order, true).order);
  if (best === null || inst.throughputWeight === 0) return best;
  let high = bottleneckOf(inst, best);
  let low = 0;
  for (let step = 0; step < CAP_STEPS; step++) {
    const cap = (low + high) / 2;
    const capped = splitOrder(capDomains(inst, cap), order, true);
    const plan = capped.cost < Infinity ? splitForObjective(inst, capped.order) : null;
    if (plan === null) low = cap;
    else {
      high = Math.min(cap, bottleneckOf(inst, plan));
      if (plan.cost < best.cost) best = plan;
    }
  }
  return best;
}

/** The orders that the rules propose. */
function greedyOrders(inst: Instance): number[][] {
  const { memberCount, layerCount } = inst;
  const capacity = largestShards(inst);
  const all = Array.from(capacity.keys()).filter((member) => capacity[member]! > 0);
  const speed = (member: number) => inst.busy.prefix[member * (layerCount + 1) + layerCount]!;
  // Overhead per layer that fits: a fast member with memory for a single layer is slow.
  const effective = (member: number) =>
    speed(member) / layerCount + inst.busy.stage[member]! / capacity[member]!;
  // A member has no hop to itself, so that entry is Infinity.
  const nearest = (member: number) =>
    Math.min(...inst.hop.subarray(member * memberCount, (member + 1) * memberCount));
  return [speed, effective, (member: number) => -capacity[member]!, nearest].map((keyOf) =>
    sortBy(all, keyOf).slice(0, MAX_CANDIDATES),
  );
}

function sortBy(members: readonly number[], keyOf: (member: number) => number): number[] {
  const keys = new Map(members.map((member) => [member, keyOf(member)]));
  return [...members].sort((left, right) => keys.get(left)! - keys.get(right)! || left - right);
}
