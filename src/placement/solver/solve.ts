/**
 * Which members run which layers: the answer, proven if time allows.
 *
 *   variables    an order of distinct members, and increasing layer boundaries
 *   constraints  every shard fits its member; every hop has a link; pins; limits
 *   objective    latency, prefill, throughput, or a weighted sum of them
 *
 * Greedy rules first, then local search, then exact search. Pure: the caller passes the clock, which
 * only decides when to stop.
 */
import type { Stage } from "../../shared/index.ts";
import type { Answer } from "../problem/answer.ts";
import { foundAnswer, stagesOf, unknownAnswer } from "./plan-answer.ts";
import { BestPlan } from "./incumbent.ts";
import { isThroughputOnly, splitForObjective } from "./bottleneck.ts";
import { type SolveOptions, watchDeadline } from "./deadline.ts";
import { solvePipelines } from "./pipelines.ts";
import { findsGreedyPlan, greedyPlans } from "./greedy.ts";
import { explainInfeasible, isImpossible } from "./infeasible.ts";
import { buildInstance, type Instance, type Plan } from "./instance.ts";
import { solveWeighted } from "./pareto-sweep.ts";
import { MAX_MEMBERS } from "./labels.ts";
import { improve } from "./local-search.ts";
import type { Problem } from "../problem/problem.ts";
import { splitOrder } from "./layer-split.ts";
import { solveThroughput, withinCap } from "./throughput.ts";

export type Solution = {
  readonly answer: Answer;
  /** All placements that were found, that of the answer included, in any order. */
  readonly found: readonly Stage[][];
};

/**
 * The answer to `problem`, at most a few ms after the deadline. With an infinite deadline it is
 * proven. Never throws for a problem that `Problem` has parsed.
 */
export function solve(problem: Problem, options: SolveOptions): Answer {
  return solveAndKeep(problem, options).answer;
}

/** As `solve`, with everything that was found on the way. */
export function solveAndKeep(problem: Problem, options: SolveOptions): Solution {
  const { isLate, wasHit, elapsedMs } = watchDeadline(options);
  const inst = buildInstance(problem);
  const best = new BestPlan();
  const bound = isImpossible(inst) ? Infinity : search(inst, best, isLate);
  let answer: Answer;
  if (best.plan !== null) answer = foundAnswer(inst, best.plan, bound, wasHit());
  else if (bound === Infinity) answer = explainInfeasible(inst, findsPlan);
  else answer = unknownAnswer(problem, { kind: "deadline" });
  const found = best.offered.map((plan) => stagesOf(inst, plan));
  return { answer: { ...answer, elapsedMs: elapsedMs() }, found };
}

/** Offers plans to `best`; returns a lower bound, or Infinity if nothing is better than the best plan. */
function search(inst: Instance, best: BestPlan, isLate: () => boolean): number {
  const greedy = greedyPlans(inst);
  greedy.forEach(best.offer);
  improveAll(inst, greedy, best, isLate);
  offerSingles(inst, best);
  const isDisproved = best.plan === null && !findFeasible(inst, best, isLate);
  return isDisproved ? Infinity : boundFor(inst, best, isLate);
}

/** Improves the best plan; returns a lower bound, or Infinity if the plan is proven optimal. */
function boundFor(inst: Instance, best: BestPlan, isLate: () => boolean): number {
  if (inst.throughputWeight === 0) {
    const bound = solvePipelines(inst, best, isLate);
    return bound >= best.cutoff() ? Infinity : bound;
  }
  if (isThroughputOnly(inst)) {
    const { lowestMs, isProven } = solveThroughput(inst, best, isLate);
    return isProven ? Infinity : lowestMs * inst.throughputWeight;
  }
  const { lowestMs } = solveThroughput(inst, best, isLate);
  if (lowestMs === Infinity) return Infinity;
  const bound = solveWeighted(inst, best, lowestMs, isLate);
  return bound >= best.cutoff() ? Infinity : bound;
}

/** Searches for any plan, whatever its cost; false if it is proven that there is none. */
function findFeasible(inst: Instance, best: BestPlan, isLate: () => boolean): boolean {
  if (inst.memberCount <= MAX_MEMBERS) avoidMissingLinks(inst, best, isLate);
  if (best.plan !== null) return true;
  const any = withinCap(inst, Infinity, isLate);
  const plan = any.kind === "found" ? splitForObjective(inst, any.order) : null;
  if (plan !== null) {
    best.offer(plan);
    improveAll(inst, [plan], best, isLate);
  }
  return any.kind !== "impossible";
}

/** The cost of a missing link, as a multiple of the longest one. */
const MISSING_FACTOR = 1000;

/** Rules and local search as if missing links were very long. */
function avoidMissingLinks(inst: Instance, best: BestPlan, isLate: () => boolean): void {
  const longest = inst.hop.reduce((most, ms) => (ms < Infinity ? Math.max(most, ms) : most), 1e-6);
  const linked = (pairs: Float64Array) =>
    pairs.map((ms) => (ms < Infinity ? ms : MISSING_FACTOR * longest));
  const complete = { ...inst, hop: linked(inst.hop), close: linked(inst.close) };
  for (const { order } of greedyPlans(complete)) {
    const plan = splitForObjective(inst, improve(complete, order, isLate));
    if (plan !== null) best.offer(plan);
  }
}

/** Local search from each of the plans; for a linear objective only. */
function improveAll(
  inst: Instance,
  plans: readonly Plan[],
  best: BestPlan,
  isLate: () => boolean,
): void {
  if (inst.throughputWeight > 0) return;
  for (const plan of plans) {
    if (isLate()) return;
    best.offer(splitOrder(inst, improve(inst, plan.order, isLate)));
  }
}

/** Clock checks that a search may take to show that a relaxed problem has a plan. */
const MAX_EXPLAINING_CHECKS = 40;

/** Whether the rules or a short search find any plan; limited by work, not by the clock. */
function findsPlan(inst: Instance): boolean {
  if (findsGreedyPlan(inst)) return true;
  if (isImpossible(inst)) return false;
  const best = new BestPlan();
  let checks = 0;
  solvePipelines(inst, best, () => best.plan !== null || ++checks > MAX_EXPLAINING_CHECKS);
  return best.plan !== null;
}

function offerSingles(inst: Instance, best: BestPlan): void {
  for (let member = 0; member < inst.memberCount; member++) {
    const plan = splitForObjective(inst, [member]);
    if (plan !== null) best.offer(plan);
  }
}
