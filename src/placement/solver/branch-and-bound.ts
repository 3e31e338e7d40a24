/**
 * The exact search, split by first members because the closing hop returns to the first. Where
 * there are sites, the first members of a site form a branch, until one alone has a clearly higher
 * bound; elsewhere each first member is a branch. In each round a branch gets better multipliers,
 * larger neighborhoods, and a wider beam, until nothing better than the incumbent was dropped.
 */
import type { Incumbent } from "./incumbent.ts";
import type { Instance } from "./instance.ts";
import { LabelTable } from "./label-table.ts";
import { pathStates } from "./path-states.ts";
import { emptyNeighborhoods, grownNeighborhoods, type Neighborhoods } from "./neighborhoods.ts";
import { LocalSearch } from "./local-search.ts";
import {
  boundOf,
  cheapestFirst,
  ascend,
  copyMultipliers,
  constantTerm,
  evaluateMultipliers,
  type Multipliers,
} from "./multipliers.ts";
import { createRelaxation, tracePath, type Relaxation } from "./relaxation.ts";
import { repaired } from "./repair.ts";
import { IN_SITES, WITHOUT_SITES, type Round } from "./rounds.ts";
import { searchFrom } from "./label-search.ts";
import { findSites } from "./sites.ts";
import { skipSafety, identicalMembers } from "./structure.ts";

/** The context of a search; `offer` takes orders of `inst`'s members. */
export type Search = {
  readonly inst: Instance;
  readonly incumbent: Incumbent;
  readonly isLate: () => boolean;
  readonly offer: (order: readonly number[]) => void;
};

/** First members that are still open, and the bound that is proven for them. */
type Branch = {
  readonly firsts: readonly number[];
  readonly multipliers: Multipliers;
  bound: number;
  /** Whether splitting it was tried and brought too little. */
  staysWhole: boolean;
  /** Labels pushed in its last search. */
  labels: number;
};

/** The fraction of the gap that ascent steps must close to go on. */
const MIN_GAP_FRACTION = 0.1;
/** Work that an ascent may take for each label of the last search, as `passWork` counts it. */
const WORK_PER_LABEL = 120;
/** Ascent steps for one first member alone, to decide whether to split. */
const TRIAL_STEPS = 15;
/** A branch is split where one first member alone closes this fraction of the gap. */
const SPLIT_GAP_FRACTION = 0.35;

/** Starts from the multipliers of `root`; returns what `solvePipelines` does. */
export function searchBranches(search: Search, relaxation: Relaxation, root: Multipliers): number {
  return new BranchSearch(search, relaxation, root).run();
}

class BranchSearch {
  readonly #search: Search;
  readonly #inst: Instance;
  readonly #target: () => number;
  readonly #isLate: () => boolean;
  readonly #localSearch: LocalSearch;
  readonly #table: LabelTable;
  readonly #skipSafe: Uint8Array;
  readonly #identicalBefore: Int32Array;
  readonly #closing: Float64Array;
  #relaxation: Relaxation;
  #neighborhoods: Neighborhoods;
  #open: Branch[];

  constructor(search: Search, relaxation: Relaxation, root: Multipliers) {
    const { inst, incumbent, isLate } = search;
    this.#search = search;
    this.#inst = inst;
    this.#target = incumbent.cutoff;
    this.#isLate = isLate;
    this.#localSearch = new LocalSearch(inst, isLate);
    this.#table = new LabelTable(inst);
    this.#skipSafe = skipSafety(inst);
    this.#identicalBefore = identicalMembers(inst);
    this.#closing = new Float64Array(inst.memberCount);
    this.#relaxation = relaxation;
    this.#neighborhoods = emptyNeighborhoods(inst);
    const everyone = Array.from({ length: inst.memberCount }, (_, member) => member);
    this.#open = [
      { firsts: everyone, multipliers: root, bound: root.bound, staysWhole: false, labels: 0 },
    ];
  }

  /** The lowest bound of the branches left open; the target where none is. */
  run(): number {
    const { incumbent } = this.#search;
    const [root] = this.#open as [Branch];
    this.#repair(root);
    const sites = incumbent.ascentTarget === null ? findSites(this.#inst) : null;
    const copies = () => copyMultipliers(root.multipliers);
    this.#open =
      sites?.map((firsts) => ({ ...root, firsts, multipliers: copies() })) ?? this.#alone(root);
    for (const round of sites === null ? WITHOUT_SITES : IN_SITES) {
      if (sites !== null) this.#growNeighborhoods(sites, round.neighbors, root.multipliers);
      const queue = this.#open.filter(({ bound }) => bound < this.#target());
      this.#open = [...queue];
      for (let at = 0; at < queue.length; at++) {
        const parts = this.#explore(queue[at]!, round);
        if (this.#isLate()) return this.#lowestBound();
        const place = this.#open.indexOf(queue[at]!);
        this.#open.splice(place, 1, ...parts);
        if (parts.length > 1) queue.push(...parts);
      }
      this.#open = this.#open.filter(({ bound }) => bound < this.#target());
      if (this.#open.length === 0) break;
    }
    return this.#lowestBound();
  }

  #lowestBound(): number {
    return this.#open.reduce((least, { bound }) => Math.min(least, bound), this.#target());
  }

  /** One round for a branch; returns the branch, or the branches that it is split into. */
  #explore(branch: Branch, { width, steps }: Round): Branch[] {
    if (steps > 0) this.#raise(branch, steps);
    if (branch.bound >= this.#target() || this.#isLate()) return [branch];
    const { multipliers } = branch;
    if (!this.#evaluate(branch)) return [branch];
    const firsts = branch.firsts.filter(
      (first) =>
        this.#identicalBefore[first]! < 0 &&
        boundOf(this.#relaxation, multipliers, first) < this.#target(),
    );
    if (firsts.length === 0) return [{ ...branch, bound: this.#target() }];
    const left = { ...branch, firsts };
    if (steps > 0 && !branch.staysWhole && firsts.length > 1) {
      const parts = this.#split(left);
      if (parts !== null) return parts;
      left.staysWhole = true;
      if (!this.#evaluate(left)) return [left];
    }
    const before = this.#table.work;
    this.#label(left, width);
    left.labels = steps > 0 ? this.#table.work - before : 0;
    return [left];
  }

  /** A branch for each first member if one alone has a clearly higher bound; otherwise null. */
  #split(branch: Branch): Branch[] | null {
    const parts = this.#alone(branch);
    const trial = parts[0]!;
    this.#raise(trial, TRIAL_STEPS);
    const gap = this.#target() - branch.bound;
    return trial.bound - branch.bound > SPLIT_GAP_FRACTION * gap ? parts : null;
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
        staysWhole: true,
        labels: 0,
      }))
      .sort((left, right) => left.bound - right.bound || left.firsts[0]! - right.firsts[0]!);
  }

  /** Fills the relaxation's tables for a branch; false when time ran out. */
  #evaluate({ multipliers, firsts }: Branch): boolean {
    const [relaxation, closing] = [this.#relaxation, this.#closing];
    return evaluateMultipliers(relaxation, multipliers, firsts, closing, this.#isLate);
  }

  /** Raises a branch's bound. */
  #raise(branch: Branch, steps: number): void {
    const { incumbent, offer } = this.#search;
    branch.multipliers.bound = -Infinity;
    ascend(this.#relaxation, branch.multipliers, branch.firsts, {
      steps,
      maxWork: branch.labels > 0 ? WORK_PER_LABEL * branch.labels : Infinity,
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
    let found: readonly number[] | null = null;
    const proven = searchFrom(
      {
        inst: this.#inst,
        relaxation: this.#relaxation,
        charge: branch.multipliers.charge,
        returnTo: branch.multipliers.returnTo,
        constantTerm: constantTerm(this.#inst, branch.multipliers),
        firsts: branch.firsts,
        width,
        skipSafe: this.#skipSafe,
        identicalBefore: this.#identicalBefore,
        cutoff: this.#target,
        onPlan: (order, ends, cost) => {
          incumbent.offer(this.#inst, order, ends, cost);
          found = order;
        },
        isLate: this.#isLate,
      },
      this.#table,
    );
    if (found !== null) this.#improve(found);
    branch.bound = Math.max(branch.bound, Math.min(proven, this.#target()));
  }

  /** Local search from an order; pointless in a search for feasibility, which has no costs. */
  #improve(order: readonly number[]): void {
    const { incumbent, offer } = this.#search;
    if (incumbent.ascentTarget !== null) return;
    const improved = this.#localSearch.improve(order);
    if (improved.cost < this.#target()) offer(improved.order);
  }

  /** Turns the cheapest relaxed path into a plan. */
  #repair(branch: Branch): void {
    if (this.#search.incumbent.ascentTarget !== null || !this.#evaluate(branch)) return;
    const first = cheapestFirst(this.#relaxation, branch.multipliers);
    if (first < 0) return;
    const chain = repaired(this.#inst, tracePath(this.#relaxation, this.#closing, first));
    if (chain.cost < Infinity) this.#improve(chain.order);
  }
}
