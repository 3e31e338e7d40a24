/**
 * The neighborhoods of the ng-route relaxation: for each member, the members that a relaxed path
 * remembers there; see `path-states.ts`.
 */
import type { Instance } from "./instance.ts";

/** Members by their index in the instance. */
export type Neighborhoods = readonly (readonly number[])[];

export function emptyNeighborhoods({ memberCount }: Instance): Neighborhoods {
  return Array.from({ length: memberCount }, () => []);
}

/** At each member, the `size` members of its own site with the highest multipliers. */
export function siteNeighborhoods(
  inst: Instance,
  sites: readonly (readonly number[])[],
  multiplier: Float64Array, // [n]
  size: number,
): Neighborhoods {
  const neighborhoods: number[][] = Array.from({ length: inst.memberCount }, () => []);
  for (const members of sites) {
    const sorted = [...members].sort(
      (left, right) => multiplier[right]! - multiplier[left]! || left - right,
    );
    for (const member of members)
      neighborhoods[member] = sorted.filter((next) => next !== member).slice(0, size);
  }
  return neighborhoods;
}
