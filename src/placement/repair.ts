/** A relaxed path made a plan: what to try where prices say which members matter. */
import type { Instance } from "./instance.ts";
import { splitWithSkips, type Chain } from "./split.ts";

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
    let place = order.length;
    let least = Infinity;
    for (let i = 1; i <= order.length; i++) {
      const from = order[i - 1]!;
      const into = hop[from * n + d]!;
      const to = order[i];
      const ms = to === undefined ? into : into + hop[d * n + to]! - hop[from * n + to]!;
      if (ms < least) [least, place] = [ms, i];
    }
    order.splice(place, 0, d);
  }
  return order;
}
