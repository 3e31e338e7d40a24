/**
 * A placement within a millisecond, by rules: fastest members first, most memory first, best connected
 * first, each with the best split for its order. The exact search starts from it, and it is the
 * fallback when the solver's worker hangs.
 */
import type { Answer } from "../problem/answer.ts";
import { atLeastAsFast, foundAnswer, unknownAnswer } from "./plan-answer.ts";
import { bottleneckOf, capDomains, splitForObjective } from "./bottleneck.ts";
import { explainInfeasible, isImpossible } from "./infeasible.ts";
import { buildInstance, type Instance } from "./instance.ts";
import type { Plan } from "./plan.ts";
import type { Problem } from "../problem/problem.ts";
import { splitWithSkips } from "./layer-split.ts";

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
  const answer = foundAnswer(inst, plan, { lowerBoundMs: 0, deadlineHit: false, elapsedMs: 0 });
  return atLeastAsFast(problem, answer);
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
  const chain = splitWithSkips(inst, order);
  if (chain.cost === Infinity) return null;
  let best = splitForObjective(inst, chain.order);
  if (best === null || inst.throughputWeight === 0) return best;
  let high = bottleneckOf(inst, best.order, best.ends);
  let low = 0;
  for (let step = 0; step < CAP_STEPS; step++) {
    const cap = (low + high) / 2;
    const capped = splitWithSkips(capDomains(inst, cap), order);
    const plan = capped.cost === Infinity ? null : splitForObjective(inst, capped.order);
    if (plan === null) low = cap;
    else {
      high = Math.min(cap, bottleneckOf(inst, plan.order, plan.ends));
      if (plan.cost < best.cost) best = plan;
    }
  }
  return best;
}

/** The orders that the rules propose. */
function greedyOrders(inst: Instance): number[][] {
  const { memberCount, layerCount } = inst;
  const all = Array.from({ length: memberCount }, (_, member) => member).filter((member) =>
    canHold(inst, member),
  );
  const speed = all.map(() => 0);
  const capacity = all.map(() => 0);
  const link = all.map(() => 0);
  all.forEach((from, index) => {
    speed[index] = inst.busyPrefix[from * (layerCount + 1) + layerCount]!;
    let largest = 0;
    for (let layer = 0; layer < layerCount; layer++)
      largest = Math.max(largest, inst.reach[from * (layerCount + 1) + layer]! - layer);
    capacity[index] = -largest;
    let nearest = Infinity;
    for (let next = 0; next < memberCount; next++)
      if (next !== from) nearest = Math.min(nearest, inst.hop[from * memberCount + next]!);
    link[index] = nearest;
  });
  // Overhead per layer that fits: a fast member with memory for a single layer is slow.
  const effective = all.map(
    (member, at) => speed[at]! / layerCount + inst.busyStage[member]! / Math.max(1, -capacity[at]!),
  );
  return [speed, effective, capacity, link].map((key) => sortBy(all, key).slice(0, MAX_CANDIDATES));
}

function canHold(inst: Instance, member: number): boolean {
  const row = member * (inst.layerCount + 1);
  if (
    inst.single[member] === 1 ||
    inst.firstEnd[member]! > 0 ||
    inst.lastStart[member]! < inst.layerCount
  )
    return true;
  for (let layer = 0; layer < inst.layerCount; layer++)
    if (inst.reach[row + layer]! >= inst.minEnd[row + layer]!) return true;
  return false;
}

function sortBy(members: readonly number[], key: readonly number[]): number[] {
  return members
    .map((member, index) => ({ member, key: key[index]! }))
    .sort((left, right) => left.key - right.key || left.member - right.member)
    .map(({ member }) => member);
}
