/** The incumbent: the cheapest plan so far. */
import type { Instance, Plan } from "./instance.ts";
import { SAME_COST } from "./plan-answer.ts";

/** What a search needs of the incumbent. */
export type Incumbent = {
  /** Only plans below this cost matter. */
  readonly cutoff: () => number;
  readonly offer: (plan: Plan) => void;
  /** The value that the ascent aims at, if not the cutoff; set in a search for feasibility. */
  readonly ascentTarget?: number;
  /** Visit multipliers to start from; 0 by default. */
  readonly startMultipliers?: Float64Array; // [members]
};

/** The context of a search. */
export type Search = {
  readonly inst: Instance;
  readonly incumbent: Incumbent;
  readonly isLate: () => boolean;
  /** Takes the order of a plan that may be better. */
  readonly offer: (order: readonly number[]) => void;
};

export class BestPlan implements Incumbent {
  plan: Plan | null = null;
  /** All plans that were offered, the best one included. */
  readonly offered: Plan[] = [];

  /** A better plan must cost less than this: rounding does not count. */
  readonly cutoff = (): number =>
    this.plan === null ? Infinity : this.plan.cost - SAME_COST * Math.max(1, this.plan.cost);

  readonly offer = (plan: Plan): void => {
    if (!(plan.cost < Infinity)) return;
    this.offered.push(plan);
    if (this.plan === null || plan.cost < this.plan.cost) this.plan = plan;
  };
}
