/**
 * The relaxed bound: the cost of a pipeline that may visit a member more than once.
 *
 * Without "at most once" the problem is a shortest path over (layer, member state), solved exactly
 * backwards:
 *
 *   value[l, s]    the cheapest way to run the layers [l, L) when the member of state s runs from
 *                  layer l on, its overhead and charge included
 *   onward[l, s]   the same when the member of state s has just ended at layer l: the cheapest hop
 *                  to another member and what follows
 *
 * Lagrange multipliers charge each visit (`multipliers.ts`). The cheapest path less the constant
 * term is a lower bound for all multipliers >= 0. States are those of `path-states.ts`.
 */
import type { Instance } from "./instance.ts";
import { pathStates, type PathStates } from "./path-states.ts";

/** Hops examined between two checks of the clock: a few tenths of a millisecond. */
const CELLS_PER_CHECK = 100_000;

export type Relaxation = {
  readonly inst: Instance;
  readonly states: PathStates;
  readonly onward: Float64Array; // [layers + 1, states]
  readonly value: Float64Array; // [layers + 1, states]
  /** The cheapest pipeline of at least two stages that starts with each member; Infinity where there is none. */
  readonly fromFirst: Float64Array; // [members]
  /** For each state, the candidate ends of its shard: a monotone queue in a ring buffer. */
  readonly ring: Int32Array; // [states, ringSize]
  readonly ringKeys: Float64Array; // [states, ringSize]
  /** A power of two, larger than the largest shard. */
  readonly ringSize: number;
  readonly ringHead: Int32Array; // [states]
  readonly ringTail: Int32Array; // [states]
};

export function createRelaxation(inst: Instance, states = pathStates(inst)): Relaxation {
  const cells = (inst.layerCount + 1) * states.count;
  let ringSize = 4;
  for (let member = 0; member < inst.memberCount; member++)
    for (let layer = 0; layer < inst.layerCount; layer++)
      while (ringSize < inst.reach[member * (inst.layerCount + 1) + layer]! - layer + 2)
        ringSize *= 2;
  return {
    inst,
    states,
    onward: new Float64Array(cells),
    value: new Float64Array(cells),
    fromFirst: new Float64Array(inst.memberCount),
    ring: new Int32Array(states.count * ringSize),
    ringKeys: new Float64Array(states.count * ringSize),
    ringSize,
    ringHead: new Int32Array(states.count),
    ringTail: new Int32Array(states.count),
  };
}

/**
 * Fills the tables for the `charge` [members] of a visit and the cost `closing` [members] of
 * returning from each last member. `firsts` are the members that may be first; a single one is
 * not visited again. Returns false, with the tables incomplete, when time ran out.
 */
export function relax(
  relaxation: Relaxation,
  charge: Float64Array,
  closing: Float64Array,
  firsts: readonly number[],
  isLate: () => boolean,
): boolean {
  const first = firsts.length === 1 ? firsts[0]! : -1;
  const { inst, states, onward, value, ring, ringKeys, ringHead, ringTail, ringSize } = relaxation;
  const { memberCount, layerCount, prefix, reach, lastStart, stage, head, hop } = inst;
  const { count, start, memberOf, outside, outsideStart } = states;
  const { inside, insideStart, insideHop } = states;
  const mask = ringSize - 1;
  const width = layerCount + 1;
  ringHead.fill(0);
  ringTail.fill(0);
  const checkEvery = Math.ceil(CELLS_PER_CHECK / (inside.length + outside.length + count));
  for (let layer = layerCount - 1; layer >= 1; layer--) {
    if ((layer + 1) % checkEvery === 0 && isLate()) return false;
    const now = layer * count;
    for (let other = 0; other < memberCount; other++) {
      const row = other * width;
      const end = reach[row + layer]!;
      const isOut = end === layer || other === first;
      const before = layer + 1 < layerCount ? prefix[row + layer + 1]! : Infinity;
      const last =
        end === layerCount && layer >= lastStart[other]!
          ? prefix[row + layerCount]! + head[other]! + closing[other]!
          : Infinity;
      const add = stage[other]! + charge[other]! - prefix[row + layer]!;
      const until = start[other + 1]!;
      for (let state = start[other]!; state < until; state++) {
        const line = state * ringSize;
        let from = ringHead[state]!;
        let tail = ringTail[state]!;
        // Ends out of reach leave the ring; the end layer + 1 enters it.
        while (from < tail && ring[line + (from & mask)]! > end) from++;
        const key = before + onward[now + count + state]!;
        if (key < Infinity) {
          while (tail > from && ringKeys[line + ((tail - 1) & mask)]! >= key) tail--;
          ring[line + (tail & mask)] = layer + 1;
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
    // A state that remembers nothing has the most successors: none of a member's is cheaper.
    for (let next = 0; next < memberCount; next++)
      least = Math.min(least, value[now + start[next]!]!);
    for (let member = 0; member < memberCount; member++) {
      let crossing = Infinity;
      const row = member * memberCount;
      for (let index = outsideStart[member]!; index < outsideStart[member + 1]!; index++) {
        const next = outside[index]!;
        const way = hop[row + memberOf[next]!]!;
        // Successors are sorted: every later hop is at least as long.
        if (way + least >= crossing) break;
        const total = way + value[now + next]!;
        if (total < crossing) crossing = total;
      }
      const until = start[member + 1]!;
      for (let state = start[member]!; state < until; state++) {
        let best = crossing;
        const end = insideStart[state + 1]!;
        for (let at = insideStart[state]!; at < end; at++) {
          const total = insideHop[at]! + value[now + inside[at]!]!;
          if (total < best) best = total;
        }
        onward[now + state] = best;
      }
    }
  }
  firstStages(relaxation, charge, firsts);
  return true;
}

function firstStages(relaxation: Relaxation, charge: Float64Array, firsts: readonly number[]) {
  const { inst, fromFirst } = relaxation;
  fromFirst.fill(Infinity);
  for (const member of firsts) {
    const { ms } = cheapestFirstStage(relaxation, member);
    fromFirst[member] = ms + inst.stage[member]! + inst.embed[member]! + charge[member]!;
  }
}

/** Where the first stage ends if `member` has it, and the layers' cost from 0 on; Infinity for nowhere. */
function cheapestFirstStage({ inst, states, onward }: Relaxation, member: number) {
  const { layerCount, prefix, firstEnd } = inst;
  const row = member * (layerCount + 1);
  const state = states.start[member]!;
  const last = Math.min(firstEnd[member]!, layerCount - 1);
  let [ms, end] = [Infinity, 0];
  for (let layer = 1; layer <= last; layer++) {
    const total = prefix[row + layer]! + onward[layer * states.count + state]!;
    if (total < ms) [ms, end] = [total, layer];
  }
  return { ms, end };
}

/** The members of the cheapest path from `first`, in order, repeats included. */
export function tracePath(relaxation: Relaxation, closing: Float64Array, first: number): number[] {
  const { inst, states, onward, value } = relaxation;
  const { memberCount, layerCount, prefix, reach } = inst;
  const { count, outside, outsideStart, inside, insideStart, memberOf } = states;
  const path = [first];
  let member = first;
  let state = states.start[first]!;
  let at = cheapestFirstStage(relaxation, first).end;
  for (;;) {
    // The next member, then where its shard ends.
    let [best, next] = [Infinity, -1];
    const others = outside.subarray(outsideStart[member], outsideStart[member + 1]);
    const remembered = inside.subarray(insideStart[state], insideStart[state + 1]);
    for (const into of [...others, ...remembered]) {
      const total = inst.hop[member * memberCount + memberOf[into]!]! + value[at * count + into]!;
      if (total < best) [best, next] = [total, into];
    }
    if (next < 0) throw new Error("a relaxed path with a finite cost has no next stage");
    state = next;
    member = memberOf[state]!;
    path.push(member);
    const row = member * (layerCount + 1);
    const end = reach[row + at]!;
    best = Infinity;
    let until = layerCount;
    if (end === layerCount && at >= inst.lastStart[member]!)
      best = prefix[row + layerCount]! + inst.head[member]! + closing[member]!;
    for (let stageEnd = at + 1; stageEnd <= Math.min(end, layerCount - 1); stageEnd++) {
      const total = prefix[row + stageEnd]! + onward[stageEnd * count + state]!;
      if (total < best) [best, until] = [total, stageEnd];
    }
    if (until === layerCount) return path;
    at = until;
  }
}
