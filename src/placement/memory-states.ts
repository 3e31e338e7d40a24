/**
 * What a relaxed path remembers of where it has been: the members of the site
 * (members close to each other) that it is in, forgotten when it leaves.
 *
 * A path that remembers nothing goes back and forth between two fast neighbours
 * instead of crossing to the next site. Remembering whom it visited since it
 * entered a site forbids that, at the price of a few states for each member.
 *
 *   memory   a number for each site: the members visited, as bits, where the site
 *            is small; otherwise how many layers' room they used up, in coarse
 *            units. Visiting d adds `weight[d]`; a sum above `most` is refused.
 *   state    (member, memory after visiting it); those of a member are contiguous
 *
 * Any memory is valid: a pipeline that visits nobody twice is never refused.
 */
import type { Instance } from "./instance.ts";

export type MemoryStates = {
  readonly count: number;
  /** The states of member d are `[start[d], start[d + 1])`. */
  readonly start: Int32Array; // [n + 1]
  readonly memberOf: Int32Array; // [count]
  readonly siteOf: Int32Array; // [n]
  readonly siteCount: number;
  /** What visiting a member adds to the memory of its site. */
  readonly weight: Int32Array; // [n]
  /** The state of member d with memory m: `stateAt[offset[d] + m]`, or -1. */
  readonly stateAt: Int32Array;
  readonly offset: Int32Array; // [n]
  /** Members of other sites, by member and nearest first: `[outsideStart[d], outsideStart[d + 1])`. */
  readonly outside: Int32Array;
  readonly outsideStart: Int32Array; // [n + 1]
  /** The states that follow a state within its site, by state. */
  readonly inside: Int32Array;
  readonly insideStart: Int32Array; // [count + 1]
  readonly insideHop: Float64Array;
};

/** Units that the room of the members not remembered one by one is counted in. */
const FEWEST_UNITS = 4;
const MOST_UNITS = 24;
/** Links between sites are at least so many times as slow as those that join a site. */
const SITE_GAP = 2;

/** One state for each member: nothing is remembered. */
export function forgetful(inst: Instance): MemoryStates {
  const { n } = inst;
  return build(
    inst,
    Int32Array.from({ length: n }, (_, d) => d),
    n,
    () => NO_MEMORY,
    true,
  );
}

/** The states of an instance whose members are in sites; null where there is one site, or none. */
export function siteStates(
  inst: Instance,
  price: Float64Array,
  statesPerMember: number,
): MemoryStates | null {
  const { siteOf, count } = sitesOf(inst);
  if (count < 2 || count > inst.n / 2 + 1) return null;
  return remembering(inst, siteOf, count, price, statesPerMember);
}

/** The states of an instance whose members are all in one site. */
export function oneSite(
  inst: Instance,
  price: Float64Array,
  statesPerMember: number,
): MemoryStates {
  return remembering(inst, new Int32Array(inst.n), 1, price, statesPerMember);
}

function remembering(
  inst: Instance,
  siteOf: Int32Array,
  count: number,
  price: Float64Array,
  statesPerMember: number,
): MemoryStates {
  return build(
    inst,
    siteOf,
    count,
    (members) => layoutFor(inst, members, price, statesPerMember * members.length),
    false,
  );
}

/** How the memory of one site is laid out: bits for some members, then units of room. */
type Layout = {
  /** What visiting each member adds. */
  readonly weights: readonly number[];
  /** Bits of the members that are remembered one by one. */
  readonly bits: number;
  /** The sum of the weights of all members. */
  readonly most: number;
};

const NO_MEMORY: Layout = { weights: [0], bits: 0, most: 0 };

/** Remembers the dearest members one by one and the others by room, in so many states. */
function layoutFor(
  inst: Instance,
  members: readonly number[],
  price: Float64Array,
  mostStates: number,
): Layout {
  const m = members.length;
  let named = m;
  let units = 0;
  const states = (bits: number, room: number) =>
    bits * 2 ** Math.max(0, bits - 1) * (room + 1) + (m - bits) * 2 ** bits * room;
  while (named > 0 && states(named, named === m ? 0 : FEWEST_UNITS) > mostStates) named--;
  if (named < m) {
    units = FEWEST_UNITS;
    while (units < MOST_UNITS && states(named, units + 1) <= mostStates) units++;
  }
  const dearest = members
    .map((d, index) => ({ index, price: price[d]! }))
    .sort((a, b) => b.price - a.price || a.index - b.index)
    .map(({ index }) => index);
  const weights = members.map(() => 0);
  const counted = dearest.slice(named);
  dearest.slice(0, named).forEach((index, bit) => (weights[index] = 1 << bit));
  const room = counted.map((index) => roomOf(inst, members[index]!));
  const unit = room.reduce((sum, layers) => sum + layers, 0) / units;
  counted.forEach((index, i) => {
    weights[index] = Math.max(1, Math.round(room[i]! / unit)) << named;
  });
  return { weights, bits: named, most: weights.reduce((sum, weight) => sum + weight, 0) };
}

/** The most layers that `d` can hold. */
function roomOf({ L, reach, minEnd }: Instance, d: number): number {
  let most = 1;
  for (let l = 0; l < L; l++)
    if (reach[d * (L + 1) + l]! >= minEnd[d * (L + 1) + l]!)
      most = Math.max(most, reach[d * (L + 1) + l]! - l);
  return most;
}

function build(
  { n, hop }: Instance,
  siteOf: Int32Array,
  siteCount: number,
  layOut: (members: readonly number[]) => Layout,
  isForgetful: boolean,
): MemoryStates {
  const weight = new Int32Array(n);
  const offset = new Int32Array(n);
  const start = new Int32Array(n + 1);
  const sites: number[][] = Array.from({ length: siteCount }, () => []);
  for (let d = 0; d < n; d++) sites[siteOf[d]!]!.push(d);
  const layouts = sites.map(layOut);
  const layoutOf = (d: number) => layouts[siteOf[d]!]!;
  sites.forEach((members, site) =>
    members.forEach((d, i) => (weight[d] = layouts[site]!.weights[i]!)),
  );
  let cells = 0;
  for (let d = 0; d < n; d++) {
    offset[d] = cells;
    cells += layoutOf(d).most + 1;
  }
  const stateAt = new Int32Array(cells).fill(-1);
  const refuses = (memory: number, d: number) => {
    const { bits, most } = layoutOf(d);
    if (weight[d]! < 1 << bits) return (memory & weight[d]!) !== 0;
    return (memory >> bits) + (weight[d]! >> bits) > most >> bits;
  };
  // Memories that a walk can have after visiting d.
  const reached: Set<number>[] = Array.from({ length: n }, () => new Set());
  const walk = (d: number, memory: number): void => {
    if (reached[d]!.has(memory)) return;
    reached[d]!.add(memory);
    for (const e of sites[siteOf[d]!]!)
      if (e !== d && !refuses(memory, e)) walk(e, memory + weight[e]!);
  };
  for (let d = 0; d < n; d++) walk(d, weight[d]!);
  const memberOf: number[] = [];
  const memoryOf: number[] = [];
  for (let d = 0; d < n; d++) {
    start[d] = memberOf.length;
    for (const memory of [...reached[d]!].sort((a, b) => a - b)) {
      stateAt[offset[d]! + memory] = memberOf.length;
      memberOf.push(d);
      memoryOf.push(memory);
    }
  }
  const count = memberOf.length;
  start[n] = count;
  const inside: number[] = [];
  const insideHop: number[] = [];
  const insideStart = new Int32Array(count + 1);
  for (let state = 0; state < count; state++) {
    const d = memberOf[state]!;
    for (const e of isForgetful ? [] : sites[siteOf[d]!]!)
      if (e !== d && hop[d * n + e]! < Infinity && !refuses(memoryOf[state]!, e)) {
        inside.push(stateAt[offset[e]! + memoryOf[state]! + weight[e]!]!);
        insideHop.push(hop[d * n + e]!);
      }
    insideStart[state + 1] = inside.length;
  }
  const outside: number[] = [];
  const outsideStart = new Int32Array(n + 1);
  for (let d = 0; d < n; d++) {
    const others: number[] = [];
    for (let e = 0; e < n; e++)
      if (siteOf[e] !== siteOf[d] && hop[d * n + e]! < Infinity) others.push(e);
    outside.push(...others.sort((a, b) => hop[d * n + a]! - hop[d * n + b]! || a - b));
    outsideStart[d + 1] = outside.length;
  }
  return {
    count,
    start,
    memberOf: Int32Array.from(memberOf),
    siteOf,
    siteCount,
    weight,
    stateAt,
    offset,
    outside: Int32Array.from(outside),
    outsideStart,
    inside: Int32Array.from(inside),
    insideStart,
    insideHop: Float64Array.from(insideHop),
  };
}

/** Members joined by links that are clearly faster than the others. */
function sitesOf({ n, close }: Instance): { siteOf: Int32Array; count: number } {
  const near = (d: number, e: number) => Math.min(close[d * n + e]!, close[e * n + d]!);
  // The tree of the fastest links that joins all members, link by link.
  const joins: { d: number; e: number; ms: number }[] = [];
  const inTree = new Uint8Array(n);
  const nearest = new Float64Array(n).fill(Infinity);
  const via = new Int32Array(n);
  for (let step = 0, d = 0; step < n; step++) {
    inTree[d] = 1;
    let next = -1;
    for (let e = 0; e < n; e++) {
      if (inTree[e] === 1) continue;
      if (near(d, e) < nearest[e]!) {
        nearest[e] = near(d, e);
        via[e] = d;
      }
      if (next < 0 || nearest[e]! < nearest[next]!) next = e;
    }
    if (next >= 0) joins.push({ d: via[next]!, e: next, ms: nearest[next]! });
    d = next;
  }
  joins.sort((a, b) => a.ms - b.ms);
  let cut = joins.length;
  let widest = SITE_GAP;
  for (let i = 1; i < joins.length; i++) {
    const ratio = joins[i]!.ms / Math.max(1e-9, joins[i - 1]!.ms);
    if (i >= (n >> 1) - 1 && ratio > widest) [widest, cut] = [ratio, i];
  }
  const root = Int32Array.from({ length: n }, (_, d) => d);
  const find = (d: number): number => (root[d] === d ? d : find(root[d]!));
  for (const { d, e } of joins.slice(0, cut)) root[find(d)] = find(e);
  const numberOf = new Map<number, number>();
  const siteOf = Int32Array.from({ length: n }, (_, d) => {
    const top = find(d);
    if (!numberOf.has(top)) numberOf.set(top, numberOf.size);
    return numberOf.get(top)!;
  });
  return { siteOf, count: numberOf.size };
}
