/**
 * The exact search for one first member: labels (members visited, last member,
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
import type { LabelTable } from "./labels.ts";
import { MOST_MEMBERS, type Labels } from "./labels.ts";
import { startState, type Relaxation } from "./relaxation.ts";

export type SearchInput = {
  readonly inst: Instance;
  readonly relaxation: Relaxation; // filled for `first` and `paid`
  readonly paid: Float64Array; // [n]
  /** What the prices give back; see `refund`. */
  readonly refund: number;
  readonly first: number;
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

/** What the label at hand remembers of each site; no call outlives its caller. */
const siteMemory = new Int32Array(MOST_MEMBERS);

/**
 * Searches and returns what is proven: no pipeline that starts with `first` and
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

/** The first stage with every end that it may have. */
function pushFirst({ inst, relaxation, first, paid, refund, cutoff }: SearchInput, level: Labels) {
  const { L, prefix } = inst;
  const { states } = relaxation;
  const state = startState(states, first);
  const row = first * (L + 1);
  const base = inst.stage[first]! + inst.embed[first]!;
  for (let e = inst.minEnd[row]!; e <= Math.min(inst.firstEnd[first]!, L - 1); e++) {
    const cost = base + prefix[row + e]!;
    const bound = cost + paid[first]! + relaxation.onward[e * states.count + state]! - refund;
    if (bound < cutoff()) level.pushRoot(first, e, cost, paid[first]!, bound);
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
  const { inst, relaxation, paid, refund, first, skipSafe, twinBefore, cutoff } = input;
  const { n, L, prefix, reach, minEnd, fixed, hop, stage, layer } = inst;
  const { onward, value } = relaxation;
  const d = level.last[label]!;
  const at = level.end[label]!;
  const start = level.begin[label]!;
  const cost = level.cost[label]!;
  const charged = level.paid[label]!;
  const low = level.low[label]!;
  const high = level.high[label]!;
  const dRow = d * L;
  const limit = d === first ? inst.firstEnd[d]! : reach[d * (L + 1) + start]!;
  const canGrow = at + 1 <= limit && fixed[d] !== 1;
  const canShrink = at - start > 1 && fixed[d] !== 1;
  // What the label remembers of each site: all that it visited there.
  const { count, siteOf, weight, offset, stateAt } = relaxation.states;
  siteMemory.fill(0);
  for (let v = 0; v < n; v++)
    if ((v < 32 ? low >>> v : high >>> (v - 32)) & 1) siteMemory[siteOf[v]!]! += weight[v]!;
  for (let e = 0; e < n; e++) {
    if ((e < 32 ? low >>> e : high >>> (e - 32)) & 1) continue;
    const hopMs = hop[d * n + e]!;
    const state = stateAt[offset[e]! + siteMemory[siteOf[e]!]! + weight[e]!]!;
    const estimate = cost + charged + hopMs + value[at * count + state]! - refund;
    if (!(estimate < cutoff())) continue;
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
      if (total < cutoff() && table.hasRequired(inst, low, high, e))
        finish(input, table, level, label, e, total);
    }
    const base = cost + hopMs + stage[e]! - prefix[eRow + at]!;
    const chargedNow = charged + paid[e]!;
    const limitCost = cutoff() - chargedNow + refund;
    for (let end = from; end <= to && end < L; end++) {
      const childCost = base + prefix[eRow + end]!;
      const rest = childCost + onward[end * count + state]!;
      if (rest >= limitCost) continue;
      table.push(
        children,
        label,
        low,
        high,
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
