/** The incumbent: the cheapest plan so far, with members by their index in the problem. */
import { SAME_COST } from "./plan-answer.ts";
import type { Instance } from "./instance.ts";
import type { Plan } from "./plan.ts";

/** What a search needs of the incumbent; orders use the member indices of `inst`. */
export type Incumbent = {
  readonly cutoff: () => number;
  /** The value that the ascent aims at, if not the cutoff; set in a search for feasibility. */
  readonly ascentTarget: number | null;
  /** Visit multipliers to start from, or null. */
  readonly startMultipliers: Float64Array | null; // [members]
  readonly offer: (
    inst: Instance,
    order: readonly number[],
    ends: Int32Array,
    cost: number,
  ) => void;
};

/** Other plans kept as runners-up. */
const MAX_RUNNERS_UP = 8;

export class BestPlan {
  /** With the problem's member indices. */
  plan: Plan | null = null;
  /** Plans with other orders, cheapest first, with the problem's member indices. */
  readonly others: Plan[] = [];
  readonly ascentTarget = null;
  readonly startMultipliers = null;

  /** A better plan must cost less than this: rounding does not count. */
  readonly cutoff = (): number =>
    this.plan === null ? Infinity : this.plan.cost - SAME_COST * Math.max(1, this.plan.cost);

  readonly offer = (
    inst: Instance,
    order: readonly number[],
    ends: Int32Array,
    cost: number,
  ): void => {
    if (!(cost < Infinity)) return;
    const plan = { order: order.map((index) => inst.memberOf[index]!), ends, cost };
    if (this.plan !== null && cost >= this.plan.cost) return this.#remember(plan);
    if (this.plan !== null) this.#remember(this.plan);
    this.plan = plan;
  };

  readonly offerPlan = (inst: Instance, plan: Plan): void =>
    this.offer(inst, plan.order, plan.ends, plan.cost);

  /** The best plan's order with the indices of `inst`; throws when a member is not in it. */
  orderIn(inst: Instance): readonly number[] {
    if (this.plan === null) throw new Error("there is no plan yet");
    return this.within(inst, this.plan).order;
  }

  /** A plan with the indices of `inst`; throws when a member is not in it. */
  within(inst: Instance, plan: Plan): Plan {
    const order = plan.order.map((member) => {
      const index = inst.memberOf.indexOf(member);
      if (index < 0) throw new Error(`member ${member} is not in the instance`);
      return index;
    });
    return { ...plan, order };
  }

  #remember(plan: Plan): void {
    const key = plan.order.join();
    if (this.plan?.order.join() === key) return;
    const same = this.others.findIndex((other) => other.order.join() === key);
    if (same >= 0) {
      if (this.others[same]!.cost <= plan.cost) return;
      this.others.splice(same, 1);
    }
    this.others.push(plan);
    this.others.sort((left, right) => left.cost - right.cost);
    this.others.length = Math.min(this.others.length, MAX_RUNNERS_UP);
  }
}
