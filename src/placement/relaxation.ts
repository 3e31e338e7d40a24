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

export type Relaxation = {
  readonly inst: Instance;
  readonly onward: Float64Array; // [L + 1, n]
  readonly value: Float64Array; // [L + 1, n]
  /** The cheapest pipeline of at least two stages that starts with each member. */
  readonly fromFirst: Float64Array; // [n]
  readonly queue: Int32Array; // [n, L + 1]
  readonly queueHead: Int32Array; // [n]
  readonly queueTail: Int32Array; // [n]
  readonly keys: Float64Array; // [n, L + 1]
  readonly hopInto: Float64Array; // [n] scratch
};

export function createRelaxation(inst: Instance): Relaxation {
  const cells = (inst.L + 1) * inst.n;
  return {
    inst,
    onward: new Float64Array(cells),
    value: new Float64Array(cells),
    fromFirst: new Float64Array(inst.n),
    queue: new Int32Array(cells),
    queueHead: new Int32Array(inst.n),
    queueTail: new Int32Array(inst.n),
    keys: new Float64Array(cells),
    hopInto: new Float64Array(inst.n),
  };
}

/**
 * Fills the tables for `price` [n] and what returning from each last member
 * costs, `closing` [n]. `first` is the first member, who cannot come again, or
 * -1 when any may be first. Stops early and returns false when `isLate` says so.
 */
export function relax(
  relaxation: Relaxation,
  price: Float64Array,
  closing: Float64Array,
  first: number,
  isLate: () => boolean,
): boolean {
  const { inst, onward, value, queue, queueHead, queueTail, keys } = relaxation;
  const { n, L, prefix, reach, minEnd, lastStart, stage, head, hop, fixed } = inst;
  const width = L + 1;
  queueHead.fill(0);
  queueTail.fill(0);
  const live = relaxation.hopInto;
  const checkEvery = n > 100 ? 1 : L;
  for (let l = L - 1; l >= 1; l--) {
    if (l % checkEvery === 0 && isLate()) return false;
    const now = l * n;
    for (let e = 0; e < n; e++) {
      const row = e * width;
      // The candidate end l + 1 enters e's queue; ends beyond reach leave it.
      if (l + 1 < L) {
        const key = prefix[row + l + 1]! + onward[now + n + e]!;
        keys[row + l + 1] = key;
        let tail = queueTail[e]!;
        const from = queueHead[e]!;
        while (tail > from && keys[row + queue[row + tail - 1]!]! >= key) tail--;
        queue[row + tail] = l + 1;
        queueTail[e] = tail + 1;
      }
      let best = Infinity;
      const end = reach[row + l]!;
      if (e !== first && end >= minEnd[row + l]!) {
        if (fixed[e] === 1) {
          if (end < L) best = keys[row + end]!;
        } else {
          let from = queueHead[e]!;
          const tail = queueTail[e]!;
          while (from < tail && queue[row + from]! > end) from++;
          queueHead[e] = from;
          if (from < tail) best = keys[row + queue[row + from]!]!;
        }
        if (end === L && l >= lastStart[e]!) {
          const last = prefix[row + L]! + head[e]! + closing[e]!;
          if (last < best) best = last;
        }
        best += stage[e]! + price[e]! - prefix[row + l]!;
      }
      value[now + e] = best;
      live[e] = best;
    }
    for (let d = 0; d < n; d++) {
      let best = Infinity;
      const row = d * n;
      for (let e = 0; e < n; e++) {
        const total = hop[row + e]! + live[e]!;
        if (total < best) best = total;
      }
      onward[now + d] = best;
    }
  }
  firstStages(relaxation, price, first);
  return true;
}

function firstStages({ inst, onward, fromFirst }: Relaxation, price: Float64Array, first: number) {
  const { n, L, prefix } = inst;
  fromFirst.fill(Infinity);
  for (let d = first < 0 ? 0 : first; d < (first < 0 ? n : first + 1); d++) {
    const row = d * (L + 1);
    const last = Math.min(inst.firstEnd[d]!, L - 1);
    let best = Infinity;
    for (let e = inst.minEnd[row]!; e <= last; e++) {
      const total = prefix[row + e]! + onward[e * n + d]!;
      if (total < best) best = total;
    }
    fromFirst[d] = best + inst.stage[d]! + inst.embed[d]! + price[d]!;
  }
}

/** The members of the cheapest path from `first`, in order, repeats included. */
export function tracePath(
  { inst, onward, value }: Relaxation,
  closing: Float64Array,
  first: number,
): number[] {
  const { n, L, prefix, reach, minEnd } = inst;
  const path = [first];
  let d = first;
  let at = 0;
  let best = Infinity;
  for (let e = minEnd[d * (L + 1)]!; e <= Math.min(inst.firstEnd[d]!, L - 1); e++) {
    const total = prefix[d * (L + 1) + e]! + onward[e * n + d]!;
    if (total < best) [best, at] = [total, e];
  }
  for (;;) {
    // The next member, then where its shard ends.
    let next = -1;
    best = Infinity;
    for (let e = 0; e < n; e++) {
      const total = inst.hop[d * n + e]! + value[at * n + e]!;
      if (total < best) [best, next] = [total, e];
    }
    if (next < 0) throw new Error("a relaxed path with a finite cost has no next stage");
    path.push(next);
    const row = next * (L + 1);
    const end = reach[row + at]!;
    best = Infinity;
    let until = L;
    if (end === L && at >= inst.lastStart[next]!)
      best = prefix[row + L]! + inst.head[next]! + closing[next]!;
    for (let e = minEnd[row + at]!; e <= Math.min(end, L - 1); e++) {
      const total = prefix[row + e]! + onward[e * n + next]!;
      if (total < best) [best, until] = [total, e];
    }
    if (until === L) return path;
    d = next;
    at = until;
  }
}
