/**
 * The exact search, split by first members because the closing hop returns to the first. In each round
 * a branch gets better multipliers, larger neighborhoods where there are sites, and a wider beam, until
 * nothing better than the incumbent was dropped.
 */
import { identicalMembers } from "./identical-members.ts";
import type { Search } from "./incumbent.ts";
import { searchFrom } from "./label-search.ts";
import { Labels } from "./labels.ts";
import {
  ascend,
  boundOf,
  copyMultipliers,
  evaluateMultipliers,
  type Multipliers,
} from "./multipliers.ts";
import { pathStates } from "./path-states.ts";
import { createRelaxation, type Relaxation } from "./relaxation.ts";
import { findSites, maxNeighbors, siteNeighborhoods } from "./sites.ts";

/** A first member that is still open, and the bound that is proven for it. */
type Branch = {
  readonly first: number;
  readonly multipliers: Multipliers;
  bound: number;
};

/**
 * Labels kept per level in the first round, which uses the multipliers as they are, and the factor from
 * round to round.
 */
const WIDTH = 8;
/** Ascent steps for each branch, times the number of the round. */
const STEPS = 8;
/**
 * Members that a relaxed path remembers at each member of a site, after the first round; one more every
 * other round.
 */
const NEIGHBORS = 4;
/** The fraction of the gap that ascent steps must close to go on. */
const MIN_GAP_FRACTION = 0.1;

/**
 * Starts from the multipliers of the root and `tables` filled with them; returns what `solvePipelines`
 * does.
 */
export function searchBranches(search: Search, tables: Relaxation, root: Multipliers): number {
  const { inst, incumbent, isLate, offer } = search;
  const identicalBefore = identicalMembers(inst);
  const labels = new Labels();
  const sites = findSites(inst);
  let relaxation = tables;
  let remembered = 0;
  let open: Branch[] = [];
  identicalBefore.forEach((twin, first) => {
    // Of identical pipelines, one is tried.
    if (twin >= 0) return;
    const multipliers = copyMultipliers(root);
    multipliers.returnTo.fill(0);
    open.push({ first, multipliers, bound: Math.max(root.bound, boundOf(tables, root, first)) });
  });
  open.sort((left, right) => left.bound - right.bound || left.first - right.first);
  const isOpen = ({ bound }: Branch) => bound < incumbent.cutoff();
  for (let round = 0; open.length > 0; round++) {
    const neighbors = Math.min(NEIGHBORS + (round >> 1), maxNeighbors(inst));
    if (round > 0 && sites.length > 0 && neighbors > remembered) {
      const neighborhoods = siteNeighborhoods(inst, sites, root.visit, neighbors);
      relaxation = createRelaxation(inst, pathStates(inst, neighborhoods));
      remembered = neighbors;
    }
    for (const branch of open.filter(isOpen)) {
      const { first, multipliers } = branch;
      if (round > 0) {
        multipliers.bound = -Infinity;
        ascend(relaxation, multipliers, [first], {
          steps: STEPS * round,
          minGapFraction: MIN_GAP_FRACTION,
          target: incumbent.cutoff,
          aim: incumbent.ascentTarget,
          isLate,
          onElementaryPath: offer,
        });
        branch.bound = Math.max(branch.bound, multipliers.bound);
      }
      if (isOpen(branch) && evaluateMultipliers(relaxation, multipliers, [first], isLate)) {
        const width = WIDTH ** (round + 1);
        const input = { relaxation, multipliers, first, width, identicalBefore };
        const proven = searchFrom(search, input, labels);
        branch.bound = Math.max(branch.bound, Math.min(proven, incumbent.cutoff()));
      }
      if (isLate()) return Math.min(incumbent.cutoff(), ...open.map(({ bound }) => bound));
    }
    open = open.filter(isOpen);
  }
  return incumbent.cutoff();
}
