/**
 * The linear objective solved: bounds from prices, members that cannot matter
 * left out, then a search for each first member that the bound does not exclude,
 * with beams that widen until nothing better was dropped.
 */
import type { Instance } from "./instance.ts";
import { Polisher } from "./polish.ts";
import { LabelTable, MOST_MEMBERS } from "./labels.ts";
import {
  boundOf,
  cheapestFirst,
  climb,
  copyPrices,
  createPrices,
  refund,
  reprice,
  type Prices,
} from "./prices.ts";
import { createRelaxation, tracePath, type Relaxation } from "./relaxation.ts";
import { oneSite, siteStates } from "./memory-states.ts";
import { boundThrough, restrict } from "./restrict.ts";
import { searchFrom } from "./search.ts";
import { splitOrder, splitWithSkips } from "./split.ts";
import { skipSafety, twins } from "./structure.ts";

/** The best plan so far and what a better one must stay below; orders name `inst`'s members. */
export type Incumbent = {
  readonly cutoff: () => number;
  /** What prices aim at, where that is not the cutoff. */
  readonly aim: number | null;
  /** Prices to start from; none where that is null. */
  readonly startPrices: Float64Array | null; // [n]
  readonly offer: (
    inst: Instance,
    order: readonly number[],
    ends: Int32Array,
    cost: number,
  ) => void;
};

const ROOT_STEPS = 120;
const ROOT_STEPS_SHORT = 40;
/** ... and then with a memory of sites, where the room has sites. */
const SITE_STEPS = 40;
/** Steps for each first member, round after round, up to the round of this width. */
const FIRST_STEPS = 8;
const LAST_CLIMB = 16_384;
/** States a member where the room has sites; more from the round of this width on. */
const FEW_STATES = 20;
const MANY_STATES = 80;
const REMEMBERING_MORE = 256;
/** Where it has none and is still open in this round, all of it counts as one. */
const REMEMBERING_ONE = 16_384;
const STATES_IN_ONE = 60;
const MOST_IN_ONE = 16;
/**
 * Labels kept a level, round after round. The first round only looks for plans, with
 * the shared prices; from the second on each first member has prices of its own.
 */
const WIDTHS = [8, 32, 256, 2048, 16_384, 131_072, 1_048_576, Infinity];
const SCOUTING = 8;

/** A first member that is still open, with what is proven about it. */
type Branch = {
  readonly first: number;
  readonly prices: Prices;
  bound: number;
};

/**
 * Searches pipelines of two and more stages. Returns a lower bound on their
 * linear cost, at least the incumbent's cutoff when nothing better exists.
 */
export function solvePipelines(
  whole: Instance,
  incumbent: Incumbent,
  isLate: () => boolean,
): number {
  let inst = whole;
  const offer = (order: readonly number[]) => {
    if (inst.required.some((flag, d) => flag === 1 && !order.includes(d))) return;
    const split = splitOrder(inst, order);
    if (split.cost < incumbent.cutoff()) incumbent.offer(inst, order, split.ends, split.cost);
  };
  const target = incumbent.cutoff;
  let relaxation = createRelaxation(inst);
  let prices = createPrices(inst.n);
  if (incumbent.startPrices !== null) prices.price.set(incumbent.startPrices);
  const closing = new Float64Array(inst.n);
  for (let round = 0; round < 2; round++) {
    climb(relaxation, prices, -1, {
      steps: inst.n > 200 || incumbent.aim !== null ? ROOT_STEPS_SHORT : ROOT_STEPS,
      target,
      aim: incumbent.aim,
      isLate,
      onPath: offer,
    });
    if (prices.bound >= target() || isLate()) return prices.bound;
    if (!reprice(relaxation, prices, -1, closing, isLate)) return prices.bound;
    const through = boundThrough(relaxation, prices);
    if (inst.required.some((flag, d) => flag === 1 && through[d]! >= target())) return target();
    const keep: number[] = [];
    for (let d = 0; d < inst.n; d++) if (through[d]! < target()) keep.push(d);
    if (keep.length === inst.n) break;
    inst = restrict(inst, keep);
    prices = keepPrices(prices, keep);
    relaxation = createRelaxation(inst);
    if (!reprice(relaxation, prices, -1, closing, isLate)) return prices.bound;
  }
  if (inst.n <= MOST_MEMBERS)
    return searchBranches(inst, relaxation, prices, incumbent, isLate, offer);
  // Too many for a proof: a search among the most promising, for its plans only.
  const through = boundThrough(relaxation, prices);
  const best = Array.from(through.keys())
    .sort((a, b) => through[a]! - through[b]! || a - b)
    .slice(0, MOST_MEMBERS)
    .sort((a, b) => a - b);
  const bound = prices.bound;
  inst = restrict(inst, best);
  relaxation = createRelaxation(inst);
  prices = keepPrices(prices, best);
  if (reprice(relaxation, prices, -1, closing, isLate))
    searchBranches(inst, relaxation, prices, incumbent, isLate, offer);
  return bound;
}

function searchBranches(
  inst: Instance,
  relaxation: Relaxation,
  root: Prices,
  incumbent: Incumbent,
  isLate: () => boolean,
  offer: (order: readonly number[]) => void,
): number {
  const target = incumbent.cutoff;
  const closing = new Float64Array(inst.n);
  const polisher = new Polisher(inst, isLate);
  const polish = (order: readonly number[]) => {
    const tour = polisher.improve(order);
    if (tour.cost < target()) offer(tour.order);
  };
  /** The path that prices like best, made a plan. */
  const repair = (prices: Prices) => {
    if (incumbent.aim !== null || !reprice(relaxation, prices, -1, closing, isLate)) return;
    const first = cheapestFirst(relaxation, prices, -1);
    if (first < 0) return;
    const chain = splitWithSkips(inst, completed(inst, tracePath(relaxation, closing, first)));
    if (chain.cost < Infinity) polish(chain.order);
  };
  repair(root);
  const remembering = siteStates(inst, root.price, FEW_STATES);
  if (remembering !== null && incumbent.aim === null) {
    relaxation = createRelaxation(inst, remembering);
    const forgetfulBound = root.bound;
    root.bound = -Infinity;
    climb(relaxation, root, -1, {
      steps: SITE_STEPS,
      target,
      aim: incumbent.aim,
      isLate,
      onPath: offer,
    });
    root.bound = Math.max(root.bound, forgetfulBound);
    repair(root);
    if (root.bound >= target() || isLate()) return root.bound;
    if (!reprice(relaxation, root, -1, new Float64Array(inst.n), isLate)) return root.bound;
  }
  const twinBefore = twins(inst);
  const skipSafe = skipSafety(inst);
  const table = new LabelTable();
  let open: Branch[] = [];
  for (let first = 0; first < inst.n; first++) {
    if (twinBefore[first]! >= 0) continue;
    const bound = Math.max(root.bound, boundOf(relaxation, root, first));
    if (bound >= target()) continue;
    const prices = copyPrices(root);
    prices.rent.fill(0);
    prices.bound = -Infinity;
    open.push({ first, prices, bound });
  }
  open.sort((a, b) => a.bound - b.bound || a.first - b.first);
  const least = () => open.reduce((bound, branch) => Math.min(bound, branch.bound), target());
  for (const width of WIDTHS) {
    if (
      width === REMEMBERING_ONE &&
      remembering === null &&
      incumbent.aim === null &&
      inst.n <= MOST_IN_ONE
    )
      relaxation = createRelaxation(inst, oneSite(inst, root.price, STATES_IN_ONE));
    if (width === REMEMBERING_MORE && remembering !== null) {
      const more = siteStates(inst, root.price, MANY_STATES);
      if (more !== null && more.count > relaxation.states.count)
        relaxation = createRelaxation(inst, more);
    }
    for (const branch of open) {
      if (branch.bound >= target()) continue;
      if (width > SCOUTING && width <= LAST_CLIMB) {
        climb(relaxation, branch.prices, branch.first, {
          steps: FIRST_STEPS,
          target,
          aim: incumbent.aim,
          isLate,
          onPath: offer,
        });
        branch.bound = Math.max(branch.bound, branch.prices.bound);
      }
      if (isLate()) return least();
      if (branch.bound >= target()) continue;
      if (!reprice(relaxation, branch.prices, branch.first, closing, isLate)) return least();
      let found: readonly number[] | null = null;
      const proven = searchFrom(
        {
          inst,
          relaxation,
          paid: branch.prices.paid,
          refund: refund(inst, branch.prices),
          first: branch.first,
          width,
          skipSafe,
          twinBefore,
          cutoff: target,
          onPlan: (order, ends, cost) => {
            incumbent.offer(inst, order, ends, cost);
            found = order;
          },
          isLate,
        },
        table,
      );
      if (found !== null && incumbent.aim === null) polish(found);
      branch.bound = Math.max(branch.bound, Math.min(proven, target()));
      if (isLate()) return least();
    }
    open = open.filter((branch) => branch.bound < target());
    if (open.length === 0) break;
  }
  return least();
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

function keepPrices(prices: Prices, keep: readonly number[]): Prices {
  const some = (all: Float64Array) => Float64Array.from(keep, (d) => all[d]!);
  return {
    price: some(prices.price),
    rent: some(prices.rent),
    paid: some(prices.paid),
    perStage: prices.perStage,
    bound: prices.bound,
  };
}
