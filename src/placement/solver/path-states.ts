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

export type PathStates = {
  readonly count: number;
  /** The states of member d are `[start[d], start[d + 1])`; bit i stands for near[d][i]. */
  readonly start: Int32Array; // [n + 1]
  readonly memberOf: Int32Array; // [count]
  readonly neighborhoods: Neighborhoods;
  /** States that follow all states of a member alike, nearest first: `[outsideStart[d], outsideStart[d + 1])`. */
  readonly outside: Int32Array;
  readonly outsideStart: Int32Array; // [n + 1]
  /** The other states that follow a state, by state. */
  readonly inside: Int32Array;
  readonly insideStart: Int32Array; // [count + 1]
  readonly insideHop: Float64Array;
};

/** One state for each member: nothing is remembered. */
export function memorylessStates(inst: Instance): PathStates {
  return pathStates(inst, emptyNeighborhoods(inst));
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
export function pathStates(inst: Instance, near: Neighborhoods): PathStates {
  const { memberCount, hop } = inst;
  const start = new Int32Array(memberCount + 1);
  for (let member = 0; member < memberCount; member++)
    start[member + 1] = start[member]! + 2 ** near[member]!.length;
  const count = start[memberCount]!;
  const memberOf = new Int32Array(count);
  const outside: number[] = [];
  const outsideStart = new Int32Array(memberCount + 1);
  const steps: Step[][] = [];
  let maxInside = 0;
  for (let member = 0; member < memberCount; member++) {
    memberOf.fill(member, start[member], start[member + 1]);
    const alike: { state: number; hopMs: number; next: number }[] = [];
    const depending: Step[] = [];
    for (let next = 0; next < memberCount; next++) {
      const hopMs = hop[member * memberCount + next]!;
      if (next === member || hopMs === Infinity) continue;
      const bit = (at: number, remembered: number) => {
        const index = near[at]!.indexOf(remembered);
        return index < 0 ? 0 : 1 << index;
      };
      const refusing = bit(member, next);
      const base = start[next]! + bit(next, member);
      const kept = near[member]!.filter((each) => near[next]!.includes(each)).map(
        (each) => [bit(member, each), bit(next, each)] as const,
      );
      if (refusing === 0 && kept.length === 0) alike.push({ state: base, hopMs, next });
      else depending.push({ hopMs, refusing, base, kept });
    }
    alike.sort((left, right) => left.hopMs - right.hopMs || left.next - right.next);
    for (const { state } of alike) outside.push(state);
    outsideStart[member + 1] = outside.length;
    steps.push(depending);
    maxInside += depending.length * (start[member + 1]! - start[member]!);
  }
  const inside = new Int32Array(maxInside);
  const insideHop = new Float64Array(maxInside);
  const insideStart = new Int32Array(count + 1);
  let filled = 0;
  for (let state = 0; state < count; state++) {
    const member = memberOf[state]!;
    const memory = state - start[member]!;
    for (const { hopMs, refusing, base, kept } of steps[member]!) {
      if ((memory & refusing) !== 0) continue;
      let after = base;
      for (const [from, to] of kept) if ((memory & from) !== 0) after += to;
      inside[filled] = after;
      insideHop[filled++] = hopMs;
    }
    insideStart[state + 1] = filled;
  }
  return {
    count,
    start,
    memberOf,
    neighborhoods: near,
    outside: Int32Array.from(outside),
    outsideStart,
    inside,
    insideStart,
    insideHop,
  };
}
