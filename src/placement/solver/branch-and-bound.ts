/**
 * The exact search, split by first members because the closing hop returns to the first. Where
 * there are sites, the first members of a site form a branch; elsewhere each first member is one.
 * In each round a branch gets better multipliers, larger neighborhoods, and a wider beam, until
 * nothing better than the incumbent was dropped.
 */
import type { Search } from "./incumbent.ts";
import { Labels } from "./labels.ts";
import { pathStates } from "./path-states.ts";
import { emptyNeighborhoods, grownNeighborhoods, type Neighborhoods } from "./neighborhoods.ts";
import {
  boundOf,
  ascend,
  copyMultipliers,
  evaluateMultipliers,
  type Multipliers,
} from "./multipliers.ts";
import { createRelaxation, type Relaxation } from "./relaxation.ts";
import { IN_SITES, WITHOUT_SITES, type Round } from "./rounds.ts";
import { searchFrom } from "./label-search.ts";
import { findSites } from "./sites.ts";
import { identicalMembers } from "./identical-members.ts";

/** First members that are still open, and the bound that is proven for them. */
type Branch = {
  firsts: readonly number[];
  readonly multipliers: Multipliers;
  bound: number;
};

/** The fraction of the gap that ascent steps must close to go on. */
const MIN_GAP_FRACTION = 0.1;

/** Starts from the multipliers of `root`; returns what `solvePipelines` does. */
export function searchBranches(search: Search, relaxation: Relaxation, root: Multipliers): number {
  return new BranchSearch(search, relaxation, root).run();
}

class BranchSearch {
  readonly #search: Search;
  readonly #root: Multipliers;
  readonly #labels = new Labels();
  readonly #identicalBefore: Int32Array;
  #relaxation: Relaxation;
  #neighborhoods: Neighborhoods;

  constructor(search: Search, relaxation: Relaxation, root: Multipliers) {
    this.#search = search;
    this.#root = root;
    this.#identicalBefore = identicalMembers(search.inst);
    this.#relaxation = relaxation;
    this.#neighborhoods = emptyNeighborhoods(search.inst);
  }

  /** The lowest bound of the branches left open; the target where none is. */
  run(): number {
    const { inst, incumbent, isLate } = this.#search;
    const sites = incumbent.ascentTarget === undefined ? findSites(inst) : null;
    let open = sites?.map((firsts) => this.#branch(firsts)) ?? this.#alone();
    for (const round of sites === null ? WITHOUT_SITES : IN_SITES) {
      if (sites !== null) this.#growNeighborhoods(sites, round.neighbors);
      for (const branch of open) {
        this.#explore(branch, round);
        if (isLate()) return this.#lowest(open);
      }
      open = open.filter((branch) => this.#isOpen(branch));
      if (open.length === 0) break;
    }
    return this.#lowest(open);
  }

  #lowest(open: readonly Branch[]): number {
    return Math.min(this.#search.incumbent.cutoff(), ...open.map(({ bound }) => bound));
  }

  #isOpen({ bound }: Branch): boolean {
    return bound < this.#search.incumbent.cutoff();
  }

  #branch(firsts: readonly number[]): Branch {
    return { firsts, multipliers: copyMultipliers(this.#root), bound: this.#root.bound };
  }

  /** A branch for each first member, from tables filled for all of them; the lowest bound first. */
  #alone(): Branch[] {
    const branches = this.#withoutTwins(this.#identicalBefore.keys()).map((first) => {
      const branch = this.#branch([first]);
      branch.bound = Math.max(branch.bound, boundOf(this.#relaxation, this.#root, first));
      branch.multipliers.returnTo.fill(0);
      return branch;
    });
    return branches.sort(
      (left, right) => left.bound - right.bound || left.firsts[0]! - right.firsts[0]!,
    );
  }

  /** One round for a branch. */
  #explore(branch: Branch, { width, steps }: Round): void {
    const { incumbent, isLate } = this.#search;
    if (!this.#isOpen(branch)) return;
    if (steps > 0) this.#raise(branch, steps);
    const { multipliers, firsts } = branch;
    const isFilled =
      this.#isOpen(branch) &&
      !isLate() &&
      evaluateMultipliers(this.#relaxation, multipliers, firsts, isLate);
    if (!isFilled) return;
    branch.firsts = this.#withoutTwins(firsts).filter(
      (first) => boundOf(this.#relaxation, multipliers, first) < incumbent.cutoff(),
    );
    if (branch.firsts.length === 0) branch.bound = incumbent.cutoff();
    else this.#label(branch, width);
  }

  /** Members that are first in no more than one of several identical pipelines. */
  #withoutTwins(firsts: Iterable<number>): number[] {
    return Array.from(firsts).filter((first) => this.#identicalBefore[first]! < 0);
  }

  /** Raises a branch's bound. */
  #raise(branch: Branch, steps: number): void {
    const { incumbent, isLate, offer } = this.#search;
    branch.multipliers.bound = -Infinity;
    ascend(this.#relaxation, branch.multipliers, branch.firsts, {
      steps,
      minGapFraction: MIN_GAP_FRACTION,
      target: incumbent.cutoff,
      aim: incumbent.ascentTarget,
      isLate,
      onElementaryPath: offer,
    });
    branch.bound = Math.max(branch.bound, branch.multipliers.bound);
  }

  /** Larger neighborhoods, and the relaxation with them, for all branches from here on. */
  #growNeighborhoods(sites: readonly (readonly number[])[], size: number): void {
    const { inst } = this.#search;
    const grown = grownNeighborhoods(inst, sites, this.#root.visit, size, this.#neighborhoods);
    if (grown === this.#neighborhoods) return;
    this.#neighborhoods = grown;
    this.#relaxation = createRelaxation(inst, pathStates(inst, grown));
  }

  /** Searches labels with the relaxation's filled tables; raises the branch's bound. */
  #label(branch: Branch, width: number): void {
    const { multipliers, firsts } = branch;
    const [relaxation, identicalBefore] = [this.#relaxation, this.#identicalBefore];
    const input = { relaxation, multipliers, firsts, width, identicalBefore };
    const proven = searchFrom(this.#search, input, this.#labels);
    branch.bound = Math.max(branch.bound, Math.min(proven, this.#search.incumbent.cutoff()));
  }
}
