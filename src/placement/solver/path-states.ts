/**
 * What a relaxed path remembers of where it has been: at each member which of some
 * others, its `near` members, it has visited; they are not visited again.
 *
 *   state    (member d, which of near[d] were visited); those of a member are
 *            contiguous, and the first has visited none of them
 *   a step   from d to e, who is not remembered: of what was remembered at d, and d
 *            itself, what is in near[e] is remembered on
 *
 * A path that remembers nothing goes to and fro between a few members. Remembering a
 * member all along the way back to it forbids such a round trip, at the price of
 * twice the states for each member on that way (ng-routes of Baldacci, Mingozzi and
 * Roberti, 2011; growing them by the round trips that are met, Roberti and Mingozzi,
 * 2014). Any near sets are valid: a pipeline that visits nobody twice is never refused.
 */
import type { Instance } from "./instance.ts";
import { emptyNeighborhoods, type Neighborhoods } from "./neighborhoods.ts";

export type MemoryStates = {
  readonly count: number;
  /** The states of member d are `[start[d], start[d + 1])`; bit i stands for near[d][i]. */
  readonly start: Int32Array; // [n + 1]
  readonly memberOf: Int32Array; // [count]
  readonly near: Neighborhoods;
  /** States that follow all states of a member alike, nearest first: `[outsideStart[d], outsideStart[d + 1])`. */
  readonly outside: Int32Array;
  readonly outsideStart: Int32Array; // [n + 1]
  /** The other states that follow a state, by state. */
  readonly inside: Int32Array;
  readonly insideStart: Int32Array; // [count + 1]
  readonly insideHop: Float64Array;
};

/** One state for each member: nothing is remembered. */
export function forgetful(inst: Instance): MemoryStates {
  return memoryStates(inst, emptyNeighborhoods(inst));
}

/** How many states near sets of such sizes make. */
export function stateCount(near: Neighborhoods): number {
  return near.reduce((sum, { length }) => sum + 2 ** length, 0);
}

/** A step from one member to another whose next state depends on what is remembered. */
type Step = {
  readonly hopMs: number;
  /** The bit of the other at the first; a state that has it refuses the step. */
  readonly refusing: number;
  /** The state of the other where nothing but the first is remembered. */
  readonly base: number;
  /** Bits of members that both remember: at the first, and at the other. */
  readonly kept: readonly (readonly [number, number])[];
};

/** The states for near sets, and which follows which. */
export function memoryStates(inst: Instance, near: Neighborhoods): MemoryStates {
  const { n, hop } = inst;
  const start = new Int32Array(n + 1);
  for (let d = 0; d < n; d++) start[d + 1] = start[d]! + 2 ** near[d]!.length;
  const count = start[n]!;
  const memberOf = new Int32Array(count);
  const outside: number[] = [];
  const outsideStart = new Int32Array(n + 1);
  const steps: Step[][] = [];
  let most = 0;
  for (let d = 0; d < n; d++) {
    memberOf.fill(d, start[d], start[d + 1]);
    const alike: { state: number; hopMs: number; e: number }[] = [];
    const depending: Step[] = [];
    for (let e = 0; e < n; e++) {
      const hopMs = hop[d * n + e]!;
      if (e === d || hopMs === Infinity) continue;
      const bit = (at: number, member: number) => {
        const index = near[at]!.indexOf(member);
        return index < 0 ? 0 : 1 << index;
      };
      const refusing = bit(d, e);
      const base = start[e]! + bit(e, d);
      const kept = near[d]!.filter((v) => near[e]!.includes(v)).map(
        (v) => [bit(d, v), bit(e, v)] as const,
      );
      if (refusing === 0 && kept.length === 0) alike.push({ state: base, hopMs, e });
      else depending.push({ hopMs, refusing, base, kept });
    }
    alike.sort((a, b) => a.hopMs - b.hopMs || a.e - b.e);
    for (const { state } of alike) outside.push(state);
    outsideStart[d + 1] = outside.length;
    steps.push(depending);
    most += depending.length * (start[d + 1]! - start[d]!);
  }
  const inside = new Int32Array(most);
  const insideHop = new Float64Array(most);
  const insideStart = new Int32Array(count + 1);
  let filled = 0;
  for (let state = 0; state < count; state++) {
    const d = memberOf[state]!;
    const memory = state - start[d]!;
    for (const { hopMs, refusing, base, kept } of steps[d]!) {
      if ((memory & refusing) !== 0) continue;
      let next = base;
      for (const [from, to] of kept) if ((memory & from) !== 0) next += to;
      inside[filled] = next;
      insideHop[filled++] = hopMs;
    }
    insideStart[state + 1] = filled;
  }
  return {
    count,
    start,
    memberOf,
    near,
    outside: Int32Array.from(outside),
    outsideStart,
    inside,
    insideStart,
    insideHop,
  };
}
