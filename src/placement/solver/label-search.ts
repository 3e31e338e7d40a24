/**
 * The exact search for some first members: labels (members visited, last member,
 * layers done), cheapest first by what they cost plus the relaxed bound on what
 * is left. All labels with k stages come before those with k + 1.
 *
 *   bound       a label whose cost and completion reach the best answer is dropped
 *   dominance   of two labels with the same members and the same last one, that
 *               with fewer layers done at a higher cost is dropped
 *   exchange    a cut that one layer's move to a neighbour would better is not tried
 *   beam        each level keeps `width` labels; the least bound ever dropped is
 *               what the search has proven
 */
import type { Instance } from "./instance.ts";
import type { LabelTable, Labels } from "./labels.ts";
import type { Relaxation } from "./relaxation.ts";

export type SearchInput = {
  readonly inst: Instance;
  readonly relaxation: Relaxation; // filled for `firsts` and `paid`
  readonly paid: Float64Array; // [n]
  /** What the prices give back; see `refund`. */
  readonly refund: number;
  readonly firsts: readonly number[];
  /** What each first member pays to be first; see `prices.ts`. */
  readonly rent: Float64Array; // [n]
  readonly width: number;
  /** Whether dropping the members between d and another never costs more. */
  readonly skipSafe: Uint8Array; // [n]
  /** Members that are alike, as the one before each in its class, or -1. */
  readonly twinBefore: Int32Array; // [n]
  /** Only costs below this are of interest. */
  readonly cutoff: () => number;
  readonly onPlan: (order: readonly number[], ends: Int32Array, cost: number) => void;
  readonly isLate: () => boolean;
};

/** Labels are looked at between two looks at the clock. */
const CLOCK_INTERVAL = 64;

/**
 * Searches and returns what is proven: no pipeline that starts with one of `firsts` and
 * costs less than both the returned value and the cutoff exists, apart from
 * those given to `onPlan`. -Infinity when time ran out.
 */
export function searchFrom(input: SearchInput, table: LabelTable): number {
  const { inst, width, cutoff, isLate } = input;
  let proven = Infinity;
  let level = table.start();
  pushFirst(input, level);
  for (let stages = 2; stages <= inst.maxStages && level.count > 0; stages++) {
    const children = table.next();
    for (let label = 0; label < level.count; label++) {
      if (label % CLOCK_INTERVAL === 0 && isLate()) return -Infinity;
      if (level.bound[label]! >= cutoff()) continue;
      expand(input, table, level, label, children);
    }
    const dropped = table.keepBest(width, cutoff());
    proven = Math.min(proven, dropped);
    level = table.current();
  }
  return proven;
}

/** The first stages with every end that they may have. */
function pushFirst(
  { inst, relaxation, firsts, paid, rent, refund, cutoff }: SearchInput,
  level: Labels,
): void {
  const { L, prefix } = inst;
  const { states } = relaxation;
  for (const first of firsts) {
    const state = states.start[first]!;
    const row = first * (L + 1);
    const base = inst.stage[first]! + inst.embed[first]!;
    const charged = paid[first]! + rent[first]!;
    for (let e = inst.minEnd[row]!; e <= Math.min(inst.firstEnd[first]!, L - 1); e++) {
      const cost = base + prefix[row + e]!;
      const bound = cost + charged + relaxation.onward[e * states.count + state]! - refund;
      if (bound < cutoff()) level.pushRoot(first, e, cost, charged, bound);
    }
  }
}

/** Every way to add one stage to a label; complete pipelines go to `onPlan`. */
function expand(
  input: SearchInput,
  table: LabelTable,
  level: Labels,
  label: number,
  children: Labels,
): void {
  const { inst, relaxation, paid, refund, skipSafe, twinBefore, cutoff } = input;
  const { n, L, prefix, reach, minEnd, fixed, hop, stage, layer } = inst;
  const { onward, value } = relaxation;
  const first = level.first[label]!;
  const d = level.last[label]!;
  const at = level.end[label]!;
  const start = level.begin[label]!;
  const cost = level.cost[label]!;
  const charged = level.paid[label]!;
  const low = level.low[label]!;
  const high = level.high[label]!;
  const dRow = d * L;
  const furthest = d === first ? inst.firstEnd[d]! : reach[d * (L + 1) + start]!;
  const canGrow = at + 1 <= furthest && fixed[d] !== 1;
  const canShrink = at - start > 1 && fixed[d] !== 1;
  const { count, start: stateStart, near } = relaxation.states;
  let limit = cutoff();
  for (let e = 0; e < n; e++) {
    if ((e < 32 ? low >>> e : high >>> (e - 32)) & 1) continue;
    const hopMs = hop[d * n + e]!;
    // Of what a path may remember at e, all that the label visited.
    let state = stateStart[e]!;
    const remembered = near[e]!;
    for (let i = 0; i < remembered.length; i++) {
      const v = remembered[i]!;
      if ((v < 32 ? low >>> v : high >>> (v - 32)) & 1) state += 1 << i;
    }
    const estimate = cost + charged + hopMs + value[at * count + state]! - refund;
    if (!(estimate < limit)) continue;
    const twin = twinBefore[e]!;
    if (twin >= 0 && !((twin < 32 ? low >>> twin : high >>> (twin - 32)) & 1)) continue;
    const eRow = e * (L + 1);
    const isFree = fixed[e] !== 1;
    let from = minEnd[eRow + at]!;
    let to = reach[eRow + at]!;
    let mayBeLast = to === L && at >= inst.lastStart[e]!;
    if (canGrow && isFree && layer[dRow + at]! < layer[e * L + at]!) to = Math.min(to, at + 1);
    if (canShrink && isFree && layer[e * L + at - 1]! < layer[dRow + at - 1]!) {
      from = Math.max(from, reach[eRow + at - 1]! + 1);
      if (at - 1 >= inst.lastStart[e]! && reach[eRow + at - 1] === L) mayBeLast = false;
    }
    if (mayBeLast && to === L) {
      const total =
        cost +
        hopMs +
        stage[e]! +
        prefix[eRow + L]! -
        prefix[eRow + at]! +
        inst.head[e]! +
        inst.close[e * n + first]!;
      if (total < limit && table.hasRequired(low, high, e)) {
        finish(input, table, level, label, e, total);
        limit = cutoff();
      }
    }
    const base = cost + hopMs + stage[e]! - prefix[eRow + at]!;
    const chargedNow = charged + paid[e]!;
    const limitCost = limit - chargedNow + refund;
    for (let end = from; end <= to && end < L; end++) {
      const childCost = base + prefix[eRow + end]!;
      const rest = childCost + onward[end * count + state]!;
      if (rest >= limitCost) continue;
      table.push(
        children,
        label,
        low,
        high,
        first,
        e,
        at,
        end,
        childCost,
        chargedNow,
        rest + chargedNow - refund,
        skipSafe[e]! === 1,
      );
    }
  }
}

function finish(
  { onPlan, inst }: SearchInput,
  table: LabelTable,
  level: Labels,
  label: number,
  last: number,
  cost: number,
): void {
  const { order, ends } = table.trace(level, label);
  order.push(last);
  ends.push(inst.L);
  onPlan(order, Int32Array.from(ends), cost);
}
