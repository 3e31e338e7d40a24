/** Turns a relaxed path, which may repeat members, into a pipeline. */
import type { Instance } from "./instance.ts";
import { insertCheapest } from "./insertion.ts";
import { splitWithSkips, type Chain } from "./layer-split.ts";

/**
 * The best pipeline along `path` without its repeats, with the members it does not visit inserted
 * and any member skipped; its cost is Infinity where none fits.
 */
export function repaired(inst: Instance, path: readonly number[]): Chain {
  return splitWithSkips(inst, completed(inst, path));
}

/** A relaxed path without its repeats, and every other member inserted where it adds least. */
function completed({ memberCount, hop }: Instance, path: readonly number[]): number[] {
  const order = [...new Set(path)];
  for (let member = 0; member < memberCount; member++) {
    if (order.includes(member)) continue;
    insertCheapest(order, member, (from, to) => {
      const into = hop[from * memberCount + member]!;
      return to === undefined
        ? into
        : into + hop[member * memberCount + to]! - hop[from * memberCount + to]!;
    });
  }
  return order;
}
