/** Every order of every set of members with all layer boundaries: the oracle up to 5 members. */
import type { Problem } from "../../src/placement/index.ts";
import { referee, type RefereeStage } from "./check.ts";

/** The lowest cost of all valid placements; null if there is none. */
export function bruteForce(problem: Problem): number | null {
  const layers = problem.model.layers.length;
  let best: number | null = null;
  const tryCuts = (order: readonly string[], stages: RefereeStage[], first: number): void => {
    const index = stages.length;
    if (index === order.length - 1) {
      const { broken, costMs } = referee(problem, [
        ...stages,
        { member: order[index]!, first, end: layers },
      ]);
      if (broken.length === 0 && (best === null || costMs < best)) best = costMs;
      return;
    }
    for (let end = first + 1; end <= layers - (order.length - 1 - index); end++)
      tryCuts(order, [...stages, { member: order[index]!, first, end }], end);
  };
  const tryOrders = (order: readonly string[]): void => {
    if (order.length > 0) tryCuts(order, [], 0);
    for (const { id } of problem.members) if (!order.includes(id)) tryOrders([...order, id]);
  };
  tryOrders([]);
  return best;
}
