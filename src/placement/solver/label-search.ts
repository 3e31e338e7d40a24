/**
 * The exact search of one branch: labels (members visited, last member, layers done), ordered by
 * their cost plus the relaxed bound on the rest. All labels with k stages come before those with
 * k + 1.
 *
 *   bound       a label whose cost plus completion reaches the cutoff is dropped
 *   dominance   of two labels with the same members, the same last member, and as many layers done, the
 *               more expensive one is dropped
 *   beam        each level keeps `width` labels; the lowest bound ever dropped is what is proven
 */
import type { Search } from "./incumbent.ts";
import { hasRequired } from "./instance.ts";
import { hasMember, type Labels } from "./labels.ts";
import { constantTerm, type Multipliers } from "./multipliers.ts";
import type { Relaxation } from "./relaxation.ts";

export type SearchInput = {
  readonly relaxation: Relaxation; // filled for `first` and `multipliers`
  readonly multipliers: Multipliers;
  readonly first: number;
  readonly width: number;
  /** See `identicalMembers`. */
  readonly identicalBefore: Int32Array; // [members]
};

/** Labels expanded between two checks of the clock. */
const CLOCK_INTERVAL = 64;

/**
 * Returns a proven bound: apart from the plans given to the incumbent, no pipeline that starts with
 * `first` costs less than both the bound and the cutoff. -Infinity when time ran out. `labels` is
 * overwritten.
 */
export function searchFrom(search: Search, input: SearchInput, labels: Labels): number {
  const { inst, isLate, incumbent } = search;
  const constant = constantTerm(inst, input.multipliers);
  let proven = Infinity;
  let from = 0;
  labels.count = 0;
  pushFirst(search, input, constant, labels);
  labels.keepBest(from, Infinity, incumbent.cutoff());
  for (let stages = 2; stages <= inst.maxStages && from < labels.count; stages++) {
    const until = labels.count;
    let isOver = false;
    for (let label = from; label < until && !isOver; label++) {
      isOver = (label - from) % CLOCK_INTERVAL === 0 && isLate();
      if (labels.bound[label]! < incumbent.cutoff()) expand(search, input, constant, labels, label);
    }
    proven = Math.min(proven, labels.keepBest(until, input.width, incumbent.cutoff()));
    if (isOver) return -Infinity;
    from = until;
  }
  return proven;
}

/** The first stages, with every possible end. */
function pushFirst(
  { inst, incumbent }: Search,
  { relaxation, first, multipliers: { charge, returnTo } }: SearchInput,
  constant: number,
  labels: Labels,
): void {
  const { layerCount, prefix } = inst;
  const { states } = relaxation;
  const state = states.start[first]!;
  const row = first * (layerCount + 1);
  const base = inst.stage[first]! + inst.embed[first]!;
  const charged = charge[first]! + returnTo[first]!;
  const last = Math.min(inst.firstEnd[first]!, layerCount - 1);
  for (let end = 1; end <= last; end++) {
    const cost = base + prefix[row + end]!;
    const bound = cost + charged + relaxation.onward[end * states.count + state]! - constant;
    if (bound < incumbent.cutoff()) labels.push(-1, first, end, cost, charged, bound);
  }
}

/** Adds one stage to a label in every possible way; complete pipelines go to the incumbent. */
function expand(
  { inst, incumbent }: Search,
  { relaxation, first, multipliers: { charge }, identicalBefore }: SearchInput,
  constant: number,
  labels: Labels,
  label: number,
): void {
  const { memberCount, layerCount, prefix, reach, hop, stage } = inst;
  const { onward, value } = relaxation;
  const member = labels.last[label]!;
  const at = labels.end[label]!;
  const cost = labels.cost[label]!;
  const charged = labels.charge[label]!;
  const low = labels.low[label]!;
  const high = labels.high[label]!;
  const { count, start: stateStart, neighborhoods } = relaxation.states;
  let limit = incumbent.cutoff();
  for (let next = 0; next < memberCount; next++) {
    if (hasMember(low, high, next)) continue;
    const hopMs = hop[member * memberCount + next]!;
    // The state of `next` that remembers all its neighbors which the label visited.
    let state = stateStart[next]!;
    const remembered = neighborhoods[next]!;
    for (let index = 0; index < remembered.length; index++)
      if (hasMember(low, high, remembered[index]!)) state += 1 << index;
    const estimate = cost + charged + hopMs + value[at * count + state]! - constant;
    if (!(estimate < limit)) continue;
    const twin = identicalBefore[next]!;
    if (twin >= 0 && !hasMember(low, high, twin)) continue;
    const row = next * (layerCount + 1);
    const base = cost + hopMs + stage[next]! - prefix[row + at]!;
    const to = reach[row + at]!;
    if (to === layerCount && at >= inst.lastStart[next]!) {
      const closing = inst.close[next * memberCount + first]!;
      const total = base + prefix[row + layerCount]! + inst.head[next]! + closing;
      if (total < limit) {
        offer(inst, incumbent, labels, label, next, total);
        limit = incumbent.cutoff();
      }
    }
    const chargedNow = charged + charge[next]!;
    const limitCost = limit - chargedNow + constant;
    for (let end = at + 1; end <= to && end < layerCount; end++) {
      const childCost = base + prefix[row + end]!;
      const rest = childCost + onward[end * count + state]!;
      if (rest >= limitCost) continue;
      labels.push(label, next, end, childCost, chargedNow, rest + chargedNow - constant);
    }
  }
}

/** Offers the plan that continues a label with `last`, which holds all layers left. */
function offer(
  inst: Search["inst"],
  incumbent: Search["incumbent"],
  labels: Labels,
  label: number,
  last: number,
  cost: number,
): void {
  const order = [last];
  const ends = [inst.layerCount];
  for (let at = label; at >= 0; at = labels.parent[at]!) {
    order.push(labels.last[at]!);
    ends.push(labels.end[at]!);
  }
  if (!hasRequired(inst, order)) return;
  incumbent.offer({ order: order.reverse(), ends: Int32Array.from(ends.reverse()), cost });
}
