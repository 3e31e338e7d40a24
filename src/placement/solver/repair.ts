/** A relaxed path made a plan: what to try where prices say which members matter. */
import type { Instance } from "./instance.ts";
import { insertCheapest } from "./insertion.ts";
import { splitWithSkips, type Chain } from "./layer-split.ts";

/**
 * The best pipeline along `path`, its repeats left out and the members it does not
 * visit put in; its cost is Infinity where none fits.
 */
export function repaired(inst: Instance, path: readonly number[]): Chain {
  return splitWithSkips(inst, completed(inst, path));
}

/** A relaxed path without its repeats, and every other member where it lengthens the way least. */
function completed({ n, hop }: Instance, path: readonly number[]): number[] {
  const order = [...new Set(path)];
  for (let d = 0; d < n; d++) {
    if (order.includes(d)) continue;
    insertCheapest(order, d, (from, to) => {
      const into = hop[from * n + d]!;
      return to === undefined ? into : into + hop[d * n + to]! - hop[from * n + to]!;
    });
  }
  return order;
}
