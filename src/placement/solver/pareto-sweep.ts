/**
 * Latency against throughput: the cheapest pipeline under a decreasing cap on the bottleneck. Each step
 * is a point of the Pareto front; the optimum of a weighted objective is one of them, and needs only the
 * steps that can still be better.
 */
import type { Stage } from "../../shared/index.ts";
import type { Problem } from "../problem/problem.ts";
import { type SolveOptions, watchDeadline } from "./deadline.ts";
import { isImpossible } from "./infeasible.ts";
import { SAME_COST, stagesOf } from "./plan-answer.ts";
import { BestPlan } from "./incumbent.ts";
import { bottleneckOf, capDomains } from "./bottleneck.ts";
import { solvePipelines } from "./pipelines.ts";
import { buildInstance, hasRequired, type Instance, type Plan } from "./instance.ts";
import { splitOrder } from "./layer-split.ts";

/** Boundaries of one order that are tried for a lower bottleneck at the same cost. */
const MAX_TRIES = 8;

export type FrontAnswer = {
  /** From the lowest latency to the lowest bottleneck. */
  readonly points: readonly {
    readonly stages: readonly Stage[];
    readonly latencyMs: number;
    readonly bottleneckMs: number;
  }[];
  /** Whether the front is complete; false when time ran out. */
  readonly isComplete: boolean;
};

/** A step of the sweep: the cheapest plan under a cap. */
type Step = {
  /** Its cost is the linear one. */
  readonly point: { readonly plan: Plan; readonly bottleneckMs: number } | null;
  /** No plan under the cap has a lower linear cost than this. */
  readonly bound: number;
  readonly isProven: boolean;
};

/**
 * Minimizes `linear + weight * bottleneck`, from the loosest cap down. Offers its plans to `best`;
 * returns a lower bound.
 */
export function solveWeighted(
  inst: Instance,
  best: BestPlan,
  lowestBottleneckMs: number,
  isLate: () => boolean,
): number {
  const weight = inst.throughputWeight;
  let cap = Infinity;
  for (;;) {
    // A better plan has a linear cost below the cutoff less the lowest possible bottleneck.
    const maxLinearCost = best.cutoff() - weight * lowestBottleneckMs;
    const step = cheapestUnder(inst, cap, maxLinearCost, isLate);
    if (step.point !== null) {
      const { plan, bottleneckMs } = step.point;
      best.offer({ ...plan, cost: plan.cost + weight * bottleneckMs });
    }
    if (!step.isProven) return Math.min(step.bound + weight * lowestBottleneckMs, best.cutoff());
    if (step.point === null) return Infinity;
    cap = step.point.bottleneckMs * (1 - SAME_COST);
  }
}

/** The part of the Pareto front that time allows; the problem's objective is ignored. */
export function frontOf(problem: Problem, options: SolveOptions): FrontAnswer {
  const { isLate } = watchDeadline(options);
  const inst = buildInstance({ ...problem, objective: "latency" });
  const points: FrontAnswer["points"][number][] = [];
  if (isImpossible(inst)) return { points, isComplete: true };
  let cap = Infinity;
  for (;;) {
    const { point, isProven } = cheapestUnder(inst, cap, Infinity, isLate);
    if (point === null || !isProven) return { points, isComplete: isProven };
    const { plan, bottleneckMs } = point;
    points.push({ stages: stagesOf(inst, plan), latencyMs: plan.cost, bottleneckMs });
    cap = bottleneckMs * (1 - SAME_COST);
  }
}

/** The cheapest plan with a bottleneck of at most `cap` and a linear cost below `below`. */
function cheapestUnder(inst: Instance, cap: number, below: number, isLate: () => boolean): Step {
  const capped = { ...capDomains(inst, cap), throughputWeight: 0 };
  const local = new BestPlan();
  for (let member = 0; member < inst.memberCount; member++) {
    if (!hasRequired(inst, [member])) continue;
    const plan = splitOrder(capped, [member]);
    if (plan.cost < below) local.offer(plan);
  }
  const cutoff = () => Math.min(local.cutoff(), below);
  const bound = solvePipelines(capped, { cutoff, offer: local.offer }, isLate);
  const isProven = bound >= cutoff();
  if (local.plan === null) return { point: null, bound, isProven };
  // The lowest bottleneck among the cheapest boundaries of this order.
  let { plan } = local;
  const { cost } = plan;
  let bottleneckMs = bottleneckOf(inst, plan);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const split = splitOrder(capDomains(inst, bottleneckMs * (1 - SAME_COST)), plan.order);
    if (!(split.cost <= cost + SAME_COST * cost)) break;
    plan = split;
    bottleneckMs = bottleneckOf(inst, plan);
  }
  return { point: { plan, bottleneckMs }, bound, isProven };
}
