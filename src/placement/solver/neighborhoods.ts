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

/** Neighborhoods grow no further when a table of the relaxation would have more numbers than this. */
const MAX_CELLS = 1e6;

/** The number of states for these neighborhoods. */
export function stateCount(neighborhoods: Neighborhoods): number {
  return neighborhoods.reduce((sum, { length }) => sum + 2 ** length, 0);
}

/** Neighborhoods of `size` members in each site; `current` if they are no larger, or too large. */
export function grownNeighborhoods(
  inst: Instance,
  sites: readonly (readonly number[])[],
  multiplier: Float64Array, // [members]
  size: number,
  current: Neighborhoods,
): Neighborhoods {
  const larger = siteNeighborhoods(inst, sites, multiplier, size);
  const states = stateCount(larger);
  if (states <= stateCount(current)) return current;
  const isFirst = current.every(({ length }) => length === 0);
  const isTooLarge = states * (inst.memberCount + inst.layerCount) > MAX_CELLS;
  return isTooLarge && !isFirst ? current : larger;
}

/** At each member, the `size` members of its own site with the highest multipliers. */
export function siteNeighborhoods(
  inst: Instance,
  sites: readonly (readonly number[])[],
  multiplier: Float64Array, // [members]
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
