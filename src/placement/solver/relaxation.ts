/**
 * The bound: what a pipeline costs when a member may be visited more than once.
 *
 * Without "at most once" the problem is a shortest path over (layer, member),
 * solved exactly backwards:
 *
 *   value[l, e]    the cheapest way to run [l, L) when e runs from layer l on,
 *                  e's overhead and price included
 *   onward[l, d]   the same when d has just ended at layer l: the cheapest
 *                  onward hop and what follows, over e other than d
 *
 * Prices on members (Lagrange multipliers) make visiting dear what is visited
 * twice; the least path minus all prices is a lower bound for every price >= 0.
 */
import type { Instance } from "./instance.ts";
import { forgetful, type MemoryStates } from "./path-states.ts";

/** Hops looked at between two looks at the clock: a few tenths of a millisecond. */
const CELLS_PER_LOOK = 100_000;

export type Relaxation = {
  readonly inst: Instance;
  readonly states: MemoryStates;
  readonly onward: Float64Array; // [L + 1, states]
  readonly value: Float64Array; // [L + 1, states]
  /** The cheapest pipeline of at least two stages that starts with each member; Infinity where none may. */
  readonly fromFirst: Float64Array; // [n]
  /** For each state the ends that a shard may have, as a ring of the best of them. */
  readonly ring: Int32Array; // [states, ringSize]
  readonly ringKeys: Float64Array; // [states, ringSize]
  /** A power of two above the largest shard. */
  readonly ringSize: number;
  readonly ringHead: Int32Array; // [states]
  readonly ringTail: Int32Array; // [states]
};

export function createRelaxation(inst: Instance, states = forgetful(inst)): Relaxation {
  const cells = (inst.L + 1) * states.count;
  let ringSize = 4;
  for (let d = 0; d < inst.n; d++)
    for (let l = 0; l < inst.L; l++)
      while (ringSize < inst.reach[d * (inst.L + 1) + l]! - l + 2) ringSize *= 2;
  return {
    inst,
    states,
    onward: new Float64Array(cells),
    value: new Float64Array(cells),
    fromFirst: new Float64Array(inst.n),
    ring: new Int32Array(states.count * ringSize),
    ringKeys: new Float64Array(states.count * ringSize),
    ringSize,
    ringHead: new Int32Array(states.count),
    ringTail: new Int32Array(states.count),
  };
}

/**
 * Fills the tables for `price` [n] and what returning from each last member
 * costs, `closing` [n]. `firsts` are the members who may be first; a single one
 * cannot come again. Stops early and returns false when `isLate` says so.
 */
export function relax(
  relaxation: Relaxation,
  price: Float64Array,
  closing: Float64Array,
  firsts: readonly number[],
  isLate: () => boolean,
): boolean {
  const first = firsts.length === 1 ? firsts[0]! : -1;
  const { inst, states, onward, value, ring, ringKeys, ringHead, ringTail, ringSize } = relaxation;
  const { n, L, prefix, reach, minEnd, lastStart, stage, head, hop, fixed } = inst;
  const { count, start, memberOf, outside, outsideStart } = states;
  const { inside, insideStart, insideHop } = states;
  const mask = ringSize - 1;
  const width = L + 1;
  ringHead.fill(0);
  ringTail.fill(0);
  const checkEvery = Math.ceil(CELLS_PER_LOOK / (inside.length + outside.length + count));
  for (let l = L - 1; l >= 1; l--) {
    if ((l + 1) % checkEvery === 0 && isLate()) return false;
    const now = l * count;
    for (let e = 0; e < n; e++) {
      const row = e * width;
      const end = reach[row + l]!;
      if (e === first || fixed[e] === 1) {
        const canHold = e !== first && end >= minEnd[row + l]!;
        fillFixed(relaxation, e, l, canHold ? end : -1, price, closing);
        continue;
      }
      const isOut = end < minEnd[row + l]!;
      const before = l + 1 < L ? prefix[row + l + 1]! : Infinity;
      const last =
        end === L && l >= lastStart[e]! ? prefix[row + L]! + head[e]! + closing[e]! : Infinity;
      const add = stage[e]! + price[e]! - prefix[row + l]!;
      const until = start[e + 1]!;
      for (let state = start[e]!; state < until; state++) {
        const line = state * ringSize;
        let from = ringHead[state]!;
        let tail = ringTail[state]!;
        // Ends beyond reach leave the ring; the end l + 1 enters it.
        while (from < tail && ring[line + (from & mask)]! > end) from++;
        const key = before + onward[now + count + state]!;
        if (key < Infinity) {
          while (tail > from && ringKeys[line + ((tail - 1) & mask)]! >= key) tail--;
          ring[line + (tail & mask)] = l + 1;
          ringKeys[line + (tail & mask)] = key;
          tail++;
        }
        ringHead[state] = from;
        ringTail[state] = tail;
        let best = last;
        if (from < tail) {
          const front = ringKeys[line + (from & mask)]!;
          if (front < best) best = front;
        }
        value[now + state] = isOut ? Infinity : best + add;
      }
    }
    let least = Infinity;
    // Who remembers less pays less: no state of a member is cheaper than its first.
    for (let e = 0; e < n; e++) least = Math.min(least, value[now + start[e]!]!);
    for (let d = 0; d < n; d++) {
      let crossing = Infinity;
      const row = d * n;
      for (let i = outsideStart[d]!; i < outsideStart[d + 1]!; i++) {
        const next = outside[i]!;
        const way = hop[row + memberOf[next]!]!;
        // From here on every hop is as long or longer.
        if (way + least >= crossing) break;
        const total = way + value[now + next]!;
        if (total < crossing) crossing = total;
      }
      const until = start[d + 1]!;
      for (let state = start[d]!; state < until; state++) {
        let best = crossing;
        const end = insideStart[state + 1]!;
        for (let i = insideStart[state]!; i < end; i++) {
          const total = insideHop[i]! + value[now + inside[i]!]!;
          if (total < best) best = total;
        }
        onward[now + state] = best;
      }
    }
  }
  firstStages(relaxation, price, firsts);
  return true;
}

/** Steps looked at when the tables are filled once: a measure of work that no clock changes. */
export function passWork({ inst, states }: Relaxation): number {
  return inst.L * (states.inside.length + states.outside.length + 4 * states.count);
}

/** The values of a member whose shard can only end at `end`, or at the last layer; -1 for nowhere. */
function fillFixed(
  { inst, states, onward, value }: Relaxation,
  e: number,
  l: number,
  end: number,
  price: Float64Array,
  closing: Float64Array,
): void {
  const { L, prefix } = inst;
  const { count, start } = states;
  const row = e * (L + 1);
  const isLast = end === L && l >= inst.lastStart[e]!;
  for (let state = start[e]!; state < start[e + 1]!; state++) {
    let best = Infinity;
    if (isLast) best = prefix[row + L]! + inst.head[e]! + closing[e]!;
    else if (end > 0 && end < L) best = prefix[row + end]! + onward[end * count + state]!;
    value[l * count + state] = best + inst.stage[e]! + price[e]! - prefix[row + l]!;
  }
}

function firstStages(
  { inst, states, onward, fromFirst }: Relaxation,
  price: Float64Array,
  firsts: readonly number[],
) {
  const { L, prefix } = inst;
  fromFirst.fill(Infinity);
  for (const d of firsts) {
    const row = d * (L + 1);
    const last = Math.min(inst.firstEnd[d]!, L - 1);
    const state = states.start[d]!;
    let best = Infinity;
    for (let e = inst.minEnd[row]!; e <= last; e++) {
      const total = prefix[row + e]! + onward[e * states.count + state]!;
      if (total < best) best = total;
    }
    fromFirst[d] = best + inst.stage[d]! + inst.embed[d]! + price[d]!;
  }
}

/** The members of the cheapest path from `first`, in order, repeats included. */
export function tracePath(
  { inst, states, onward, value }: Relaxation,
  closing: Float64Array,
  first: number,
): number[] {
  const { n, L, prefix, reach, minEnd } = inst;
  const { count, outside, outsideStart, inside, insideStart, memberOf } = states;
  const path = [first];
  let d = first;
  let state = states.start[first]!;
  let at = 0;
  let best = Infinity;
  for (let e = minEnd[d * (L + 1)]!; e <= Math.min(inst.firstEnd[d]!, L - 1); e++) {
    const total = prefix[d * (L + 1) + e]! + onward[e * count + state]!;
    if (total < best) [best, at] = [total, e];
  }
  for (;;) {
    // The next member, then where its shard ends.
    let next = -1;
    best = Infinity;
    for (let i = outsideStart[d]!; i < outsideStart[d + 1]!; i++) {
      const into = outside[i]!;
      const total = inst.hop[d * n + memberOf[into]!]! + value[at * count + into]!;
      if (total < best) [best, next] = [total, into];
    }
    for (let i = insideStart[state]!; i < insideStart[state + 1]!; i++) {
      const into = inside[i]!;
      const total = inst.hop[d * n + memberOf[into]!]! + value[at * count + into]!;
      if (total < best) [best, next] = [total, into];
    }
    if (next < 0) throw new Error("a relaxed path with a finite cost has no next stage");
    state = next;
    d = memberOf[state]!;
    path.push(d);
    const row = d * (L + 1);
    const end = reach[row + at]!;
    best = Infinity;
    let until = L;
    if (end === L && at >= inst.lastStart[d]!)
      best = prefix[row + L]! + inst.head[d]! + closing[d]!;
    for (let e = minEnd[row + at]!; e <= Math.min(end, L - 1); e++) {
      const total = prefix[row + e]! + onward[e * count + state]!;
      if (total < best) [best, until] = [total, e];
    }
    if (until === L) return path;
    at = until;
  }
}
