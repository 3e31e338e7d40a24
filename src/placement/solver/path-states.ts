/**
 * What a relaxed path remembers: at each member, which members of its neighborhood it has visited.
 * It does not visit those again.
 *
 *   state    (member m, subset of neighborhood[m] that was visited); the states of a member are
 *            contiguous, and the first has visited none of them
 *   step     from m to a member next that is not remembered: of the members remembered at m, and m
 *            itself, those in neighborhood[next] stay remembered
 *
 * Without memory, the cheapest path goes back and forth between a few members. Remembering a member
 * on the whole way back to it forbids that, and doubles the states of each member on the way
 * (ng-routes: Baldacci, Mingozzi, and Roberti, 2011). Every choice of neighborhoods is valid: a
 * pipeline without repeats is never forbidden.
 */
import type { Instance } from "./instance.ts";

/** For each member, the members that a relaxed path remembers there. */
export type Neighborhoods = readonly (readonly number[])[];

export type PathStates = {
  readonly count: number;
  /** Member m has the states `[start[m], start[m + 1])`; bit i stands for neighborhoods[m][i]. */
  readonly start: Int32Array; // [members + 1]
  readonly memberOf: Int32Array; // [count]
  readonly neighborhoods: Neighborhoods;
  /** Successors of all states of member m alike, nearest first: `[outsideStart[m], outsideStart[m + 1])`. */
  readonly outside: Int32Array;
  readonly outsideStart: Int32Array; // [members + 1]
  /** The other successors, by state. */
  readonly inside: Int32Array;
  readonly insideStart: Int32Array; // [count + 1]
  readonly insideHop: Float64Array;
};

/** A step whose next state depends on what is remembered. */
type Step = {
  readonly hopMs: number;
  /** The next member's bit at this member; a state that has it forbids the step. */
  readonly forbidden: number;
  /** The next state where nothing but this member is remembered. */
  readonly base: number;
  /** The bits, here and at the next member, of members that both remember. */
  readonly kept: readonly (readonly [number, number])[];
};

/** The states for these neighborhoods, and their successors; without any, one state for each member. */
export function pathStates(
  { memberCount, hop }: Instance,
  neighborhoods: Neighborhoods = Array.from({ length: memberCount }, () => []),
): PathStates {
  const start = new Int32Array(memberCount + 1);
  for (let member = 0; member < memberCount; member++)
    start[member + 1] = start[member]! + 2 ** neighborhoods[member]!.length;
  const count = start[memberCount]!;
  const memberOf = new Int32Array(count);
  const outside: number[] = [];
  const outsideStart = new Int32Array(memberCount + 1);
  const steps: Step[][] = [];
  let maxInside = 0;
  for (let member = 0; member < memberCount; member++) {
    memberOf.fill(member, start[member], start[member + 1]);
    const alike: { state: number; hopMs: number; next: number }[] = [];
    const dependent: Step[] = [];
    for (let next = 0; next < memberCount; next++) {
      const hopMs = hop[member * memberCount + next]!;
      if (next === member || hopMs === Infinity) continue;
      const bit = (at: number, remembered: number) => {
        const index = neighborhoods[at]!.indexOf(remembered);
        return index < 0 ? 0 : 1 << index;
      };
      const forbidden = bit(member, next);
      const base = start[next]! + bit(next, member);
      const kept = neighborhoods[member]!.filter((each) => neighborhoods[next]!.includes(each)).map(
        (each) => [bit(member, each), bit(next, each)] as const,
      );
      if (forbidden === 0 && kept.length === 0) alike.push({ state: base, hopMs, next });
      else dependent.push({ hopMs, forbidden, base, kept });
    }
    alike.sort((left, right) => left.hopMs - right.hopMs || left.next - right.next);
    for (const { state } of alike) outside.push(state);
    outsideStart[member + 1] = outside.length;
    steps.push(dependent);
    maxInside += dependent.length * (start[member + 1]! - start[member]!);
  }
  const inside = new Int32Array(maxInside);
  const insideHop = new Float64Array(maxInside);
  const insideStart = new Int32Array(count + 1);
  let filled = 0;
  for (let state = 0; state < count; state++) {
    const member = memberOf[state]!;
    const memory = state - start[member]!;
    for (const { hopMs, forbidden, base, kept } of steps[member]!) {
      if ((memory & forbidden) !== 0) continue;
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
    neighborhoods,
    outside: Int32Array.from(outside),
    outsideStart,
    inside,
    insideStart,
    insideHop,
  };
}
