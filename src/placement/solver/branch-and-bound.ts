/**
 * The exact search, split by first members because the closing hop returns to the first. Where
 * there are sites, the first members of a site form a branch; elsewhere each first member is one.
 * In each round a branch gets better multipliers, larger neighborhoods, and a wider beam, until
 * nothing better than the incumbent was dropped.
 */
import type { Incumbent } from "./incumbent.ts";
import type { Instance } from "./instance.ts";
import { LabelTable } from "./label-table.ts";
import { pathStates } from "./path-states.ts";
import { emptyNeighborhoods, grownNeighborhoods, type Neighborhoods } from "./neighborhoods.ts";
import {
  boundOf,
  ascend,
  copyMultipliers,
  constantTerm,
  evaluateMultipliers,
  type Multipliers,
} from "./multipliers.ts";
import { createRelaxation, type Relaxation } from "./relaxation.ts";
import { IN_SITES, WITHOUT_SITES, type Round } from "./rounds.ts";
import { searchFrom } from "./label-search.ts";
import { findSites } from "./sites.ts";
import { identicalMembers } from "./identical-members.ts";

/** The context of a search; `offer` takes orders of `inst`'s members. */
export type Search = {
  readonly inst: Instance;
  readonly incumbent: Incumbent;
  readonly isLate: () => boolean;
  readonly offer: (order: readonly number[]) => void;
};

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
  readonly #inst: Instance;
  readonly #target: () => number;
  readonly #isLate: () => boolean;
  readonly #table: LabelTable;
  readonly #identicalBefore: Int32Array;
  #relaxation: Relaxation;
  #neighborhoods: Neighborhoods;
  #open: Branch[];

  constructor(search: Search, relaxation: Relaxation, root: Multipliers) {
    const { inst, incumbent, isLate } = search;
    this.#search = search;
    this.#inst = inst;
    this.#target = incumbent.cutoff;
    this.#isLate = isLate;
    this.#table = new LabelTable(inst);
    this.#identicalBefore = identicalMembers(inst);
    this.#relaxation = relaxation;
    this.#neighborhoods = emptyNeighborhoods(inst);
    const everyone = Array.from({ length: inst.memberCount }, (_, member) => member);
    this.#open = [{ firsts: everyone, multipliers: root, bound: root.bound }];
  }

  /** The lowest bound of the branches left open; the target where none is. */
  run(): number {
    const { incumbent } = this.#search;
    const [root] = this.#open as [Branch];
    const sites = incumbent.ascentTarget === undefined ? findSites(this.#inst) : null;
    const copies = () => copyMultipliers(root.multipliers);
    this.#open =
      sites?.map((firsts) => ({ ...root, firsts, multipliers: copies() })) ?? this.#alone(root);
    for (const round of sites === null ? WITHOUT_SITES : IN_SITES) {
      if (sites !== null) this.#growNeighborhoods(sites, round.neighbors, root.multipliers);
      for (const branch of this.#open) {
        this.#explore(branch, round);
        if (this.#isLate()) return this.#lowestBound();
      }
      this.#open = this.#open.filter(({ bound }) => bound < this.#target());
      if (this.#open.length === 0) break;
    }
    return this.#lowestBound();
  }

  #lowestBound(): number {
    return this.#open.reduce((least, { bound }) => Math.min(least, bound), this.#target());
  }

  /** One round for a branch. */
  #explore(branch: Branch, { width, steps }: Round): void {
    if (branch.bound >= this.#target()) return;
    if (steps > 0) this.#raise(branch, steps);
    if (branch.bound >= this.#target() || this.#isLate() || !this.#evaluate(branch)) return;
    branch.firsts = branch.firsts.filter(
      (first) =>
        this.#identicalBefore[first]! < 0 &&
        boundOf(this.#relaxation, branch.multipliers, first) < this.#target(),
    );
    if (branch.firsts.length === 0) branch.bound = this.#target();
    else this.#label(branch, width);
  }

  /** A branch for each first member, from tables filled for all of them; the lowest bound first. */
  #alone({ firsts, multipliers, bound }: Branch): Branch[] {
    return firsts
      .filter((first) => this.#identicalBefore[first]! < 0)
      .map((first) => ({
        firsts: [first],
        multipliers: {
          ...copyMultipliers(multipliers),
          returnTo: new Float64Array(this.#inst.memberCount),
        },
        bound: Math.max(bound, boundOf(this.#relaxation, multipliers, first)),
      }))
      .sort((left, right) => left.bound - right.bound || left.firsts[0]! - right.firsts[0]!);
  }

  /** Fills the relaxation's tables for a branch; false when time ran out. */
  #evaluate({ multipliers, firsts }: Branch): boolean {
    return evaluateMultipliers(this.#relaxation, multipliers, firsts, this.#isLate);
  }

  /** Raises a branch's bound. */
  #raise(branch: Branch, steps: number): void {
    const { incumbent, offer } = this.#search;
    branch.multipliers.bound = -Infinity;
    ascend(this.#relaxation, branch.multipliers, branch.firsts, {
      steps,
      minGapFraction: MIN_GAP_FRACTION,
      target: this.#target,
      aim: incumbent.ascentTarget,
      isLate: this.#isLate,
      onElementaryPath: offer,
    });
    branch.bound = Math.max(branch.bound, branch.multipliers.bound);
  }

  /** Larger neighborhoods, and the relaxation with them, for all branches from here on. */
  #growNeighborhoods(sites: readonly (readonly number[])[], size: number, root: Multipliers): void {
    const grown = grownNeighborhoods(this.#inst, sites, root.visit, size, this.#neighborhoods);
    if (grown === this.#neighborhoods) return;
    this.#neighborhoods = grown;
    this.#relaxation = createRelaxation(this.#inst, pathStates(this.#inst, grown));
  }

  /** Searches labels with the relaxation's filled tables; raises the branch's bound. */
  #label(branch: Branch, width: number): void {
    const { incumbent } = this.#search;
    const proven = searchFrom(
      {
        inst: this.#inst,
        relaxation: this.#relaxation,
        charge: branch.multipliers.charge,
        returnTo: branch.multipliers.returnTo,
        constantTerm: constantTerm(this.#inst, branch.multipliers),
        firsts: branch.firsts,
        width,
        identicalBefore: this.#identicalBefore,
        cutoff: this.#target,
        onPlan: incumbent.offer,
        isLate: this.#isLate,
      },
      this.#table,
    );
    branch.bound = Math.max(branch.bound, Math.min(proven, this.#target()));
  }
}
