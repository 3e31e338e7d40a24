/**
 * The search split by first members, since the closing hop goes back to the first:
 * those of each site together as long as one alone is not clearly better off, each
 * alone where there are no sites. Round after round each branch gets better prices,
 * paths that remember more, and a wider beam, until nothing better was dropped.
 *
 * What is remembered holds for all branches: who learns late starts with it.
 */
import type { Incumbent } from "./incumbent.ts";
import type { Instance } from "./instance.ts";
import { LabelTable } from "./labels.ts";
import { pathStates, stateCount } from "./path-states.ts";
import { emptyNeighborhoods, siteNeighborhoods, type Neighborhoods } from "./neighborhoods.ts";
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

/** What all of a search knows; `offer` takes orders of `inst`'s members. */
export type Search = {
  readonly inst: Instance;
  readonly incumbent: Incumbent;
  readonly isLate: () => boolean;
  readonly offer: (order: readonly number[]) => void;
};

/** First members that are still open, with what is proven about them. */
type Branch = {
  readonly firsts: readonly number[];
  readonly prices: Multipliers;
  bound: number;
  /** Whether it has been looked at if its first members are better off each alone. */
  isWhole: boolean;
  /** Labels pushed when it was searched last. */
  labels: number;
};

/** Neighborhoods grow no further when a table of the relaxation would have more numbers than this. */
const MAX_CELLS = 1e6;
/** The part of the gap that a few steps must close for more of them. */
const MIN_GAP_FRACTION = 0.1;
/** Prices may take so much of a relaxation's work for each label of the last search. */
const WORK_OF_LABEL = 120;
/** Steps for one first member alone, which say whether to split. */
const TRIAL_STEPS = 15;
/** Split where one alone closes so much of the gap. */
const SPLIT_GAP_FRACTION = 0.35;

/** Searches below `root`'s prices, as `solvePipelines` does. */
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
    this.#open = [{ firsts: everyone, prices: root, bound: root.bound, isWhole: false, labels: 0 }];
  }

  /** The least bound of what is open in the end; the target where nothing is. */
  run(): number {
    const { incumbent } = this.#search;
    const [root] = this.#open as [Branch];
    this.#repair(root);
    const sites = incumbent.ascentTarget === null ? findSites(this.#inst) : null;
    if (sites !== null) {
      this.#open = sites.map((firsts) => ({
        ...root,
        firsts,
        prices: copyMultipliers(root.prices),
      }));
    } else this.#open = this.#alone(root);
    for (const round of sites === null ? WITHOUT_SITES : IN_SITES) {
      if (sites !== null) this.#growNeighborhoods(sites, root.prices, round.neighbors);
      const queue = this.#open.filter(({ bound }) => bound < this.#target());
      this.#open = [...queue];
      for (let at = 0; at < queue.length; at++) {
        const parts = this.#explore(queue[at]!, round);
        if (this.#isLate()) return this.#least();
        const place = this.#open.indexOf(queue[at]!);
        this.#open.splice(place, 1, ...parts);
        if (parts.length > 1) queue.push(...parts);
      }
      this.#open = this.#open.filter(({ bound }) => bound < this.#target());
      if (this.#open.length === 0) break;
    }
    return this.#least();
  }

  #least(): number {
    return this.#open.reduce((least, { bound }) => Math.min(least, bound), this.#target());
  }

  /** One round for a branch: what is left of it, or the parts that it is split into. */
  #explore(branch: Branch, { width, steps }: Round): Branch[] {
    if (steps > 0) this.#raise(branch, steps);
    if (branch.bound >= this.#target() || this.#isLate()) return [branch];
    const { prices } = branch;
    if (!evaluateMultipliers(this.#relaxation, prices, branch.firsts, this.#closing, this.#isLate))
      return [branch];
    const firsts = branch.firsts.filter(
      (first) =>
        this.#identicalBefore[first]! < 0 &&
        boundOf(this.#relaxation, prices, first) < this.#target(),
    );
    if (firsts.length === 0) return [{ ...branch, bound: this.#target() }];
    const left = { ...branch, firsts };
    if (steps > 0 && !branch.isWhole && firsts.length > 1) {
      const parts = this.#split(left);
      if (parts !== null) return parts;
      left.isWhole = true;
      if (!evaluateMultipliers(this.#relaxation, prices, firsts, this.#closing, this.#isLate))
        return [left];
    }
    const before = this.#table.work;
    this.#label(left, width);
    left.labels = steps > 0 ? this.#table.work - before : 0;
    return [left];
  }

  /** A branch for each first member, where one alone has a clearly higher bound; or null. */
  #split(branch: Branch): Branch[] | null {
    const parts = this.#alone(branch);
    const trial = parts[0]!;
    this.#raise(trial, TRIAL_STEPS);
    const gap = this.#target() - branch.bound;
    return trial.bound - branch.bound > SPLIT_GAP_FRACTION * gap ? parts : null;
  }

  /** A branch for each first member, from the tables filled for all of them; the most open first. */
  #alone({ firsts, prices, bound }: Branch): Branch[] {
    return firsts
      .filter((first) => this.#identicalBefore[first]! < 0)
      .map((first) => ({
        firsts: [first],
        prices: { ...copyMultipliers(prices), rent: new Float64Array(this.#inst.memberCount) },
        bound: Math.max(bound, boundOf(this.#relaxation, prices, first)),
        isWhole: true,
        labels: 0,
      }))
      .sort((left, right) => left.bound - right.bound || left.firsts[0]! - right.firsts[0]!);
  }

  /** Raises a branch's bound. */
  #raise(branch: Branch, steps: number): void {
    const { incumbent, offer } = this.#search;
    branch.prices.bound = -Infinity;
    ascend(this.#relaxation, branch.prices, branch.firsts, {
      steps,
      maxWork: branch.labels > 0 ? WORK_OF_LABEL * branch.labels : Infinity,
      minGapFraction: MIN_GAP_FRACTION,
      target: this.#target,
      aim: incumbent.ascentTarget,
      isLate: this.#isLate,
      onElementaryPath: offer,
    });
    branch.bound = Math.max(branch.bound, branch.prices.bound);
  }

  /** Larger neighborhoods, and the relaxation with them, for all branches from here on. */
  #growNeighborhoods(
    sites: readonly (readonly number[])[],
    { visit }: Multipliers,
    size: number,
  ): void {
    const { memberCount, layerCount } = this.#inst;
    const larger = siteNeighborhoods(this.#inst, sites, visit, size);
    const states = stateCount(larger);
    if (states <= stateCount(this.#neighborhoods)) return;
    if (
      states * (memberCount + layerCount) > MAX_CELLS &&
      this.#neighborhoods.some(({ length }) => length > 0)
    )
      return;
    this.#neighborhoods = larger;
    this.#relaxation = createRelaxation(this.#inst, pathStates(this.#inst, larger));
  }

  /** Searches labels, with the relaxation's tables as they are; raises the branch's bound. */
  #label(branch: Branch, width: number): void {
    const { incumbent } = this.#search;
    let found: readonly number[] | null = null;
    const proven = searchFrom(
      {
        inst: this.#inst,
        relaxation: this.#relaxation,
        charge: branch.prices.charge,
        returnTo: branch.prices.returnTo,
        constantTerm: constantTerm(this.#inst, branch.prices),
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

  /** Local search from an order, where costs matter at all. */
  #improve(order: readonly number[]): void {
    const { incumbent, offer } = this.#search;
    if (incumbent.ascentTarget !== null) return;
    const tour = this.#localSearch.improve(order);
    if (tour.cost < this.#target()) offer(tour.order);
  }

  /** The path that a branch's prices like best, made a plan. */
  #repair({ prices, firsts }: Branch): void {
    const inst = this.#inst;
    if (this.#search.incumbent.ascentTarget !== null) return;
    if (!evaluateMultipliers(this.#relaxation, prices, firsts, this.#closing, this.#isLate)) return;
    const first = cheapestFirst(this.#relaxation, prices);
    if (first < 0) return;
    const path = tracePath(this.#relaxation, this.#closing, first);
    const chain = repaired(inst, path);
    if (chain.cost < Infinity) this.#improve(chain.order);
  }
}
