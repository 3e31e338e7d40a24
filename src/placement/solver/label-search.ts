/**
 * The exact search of one branch: labels (members visited, last member, layers done), ordered by
 * their cost plus the relaxed bound on the rest. All labels with k stages come before those with
 * k + 1.
 *
 *   bound       a label whose cost plus completion reaches the cutoff is dropped
 *   dominance   of two labels with the same members, the same first and last member, and as many
 *               layers done, the more expensive one is dropped
 *   beam        each level keeps `width` labels; the lowest bound ever dropped is what is proven
 */
import type { Search } from "./incumbent.ts";
import type { LabelTable } from "./label-table.ts";
import type { Labels } from "./labels.ts";
import { constantTerm, type Multipliers } from "./multipliers.ts";
import type { Relaxation } from "./relaxation.ts";

export type SearchInput = {
  readonly relaxation: Relaxation; // filled for `firsts` and `multipliers`
  readonly multipliers: Multipliers;
  readonly firsts: readonly number[];
  readonly width: number;
  /** See `identicalMembers`. */
  readonly identicalBefore: Int32Array; // [members]
};

/** Labels expanded between two checks of the clock. */
const CLOCK_INTERVAL = 64;

/**
 * Returns a proven bound: apart from the plans given to `onPlan`, no pipeline that starts with one
 * of `firsts` costs less than both the bound and the cutoff. -Infinity when time ran out.
 */
export function searchFrom(search: Search, input: SearchInput, table: LabelTable): number {
  const { inst, isLate, incumbent } = search;
  const constant = constantTerm(inst, input.multipliers);
  let proven = Infinity;
  let level = table.start();
  pushFirst(search, input, constant, level);
  for (let stages = 2; stages <= inst.maxStages && level.count > 0; stages++) {
    const children = table.next();
    for (let label = 0; label < level.count; label++) {
      if (label % CLOCK_INTERVAL === 0 && isLate()) return -Infinity;
      if (level.bound[label]! >= incumbent.cutoff()) continue;
      expand(search, input, constant, table, level, label, children);
    }
    const dropped = table.keepBest(input.width, incumbent.cutoff());
    proven = Math.min(proven, dropped);
    level = table.current();
  }
  return proven;
}

/** The first stages, with every possible end. */
function pushFirst(
  { inst, incumbent }: Search,
  { relaxation, firsts, multipliers: { charge, returnTo } }: SearchInput,
  constant: number,
  level: Labels,
): void {
  const { layerCount, prefix } = inst;
  const { states } = relaxation;
  for (const first of firsts) {
    const state = states.start[first]!;
    const row = first * (layerCount + 1);
    const base = inst.stage[first]! + inst.embed[first]!;
    const charged = charge[first]! + returnTo[first]!;
    const last = Math.min(inst.firstEnd[first]!, layerCount - 1);
    for (let end = 1; end <= last; end++) {
      const cost = base + prefix[row + end]!;
      const bound = cost + charged + relaxation.onward[end * states.count + state]! - constant;
      if (bound < incumbent.cutoff()) level.pushRoot(first, end, cost, charged, bound);
    }
  }
}

/** Adds one stage to a label in every possible way; complete pipelines go to `onPlan`. */
function expand(
  { inst, incumbent }: Search,
  { relaxation, multipliers: { charge }, identicalBefore }: SearchInput,
  constant: number,
  table: LabelTable,
  level: Labels,
  label: number,
  children: Labels,
): void {
  const { memberCount, layerCount, prefix, reach, hop, stage } = inst;
  const { onward, value } = relaxation;
  const first = level.first[label]!;
  const member = level.last[label]!;
  const at = level.end[label]!;
  const cost = level.cost[label]!;
  const charged = level.charge[label]!;
  const low = level.low[label]!;
  const high = level.high[label]!;
  const { count, start: stateStart, neighborhoods } = relaxation.states;
  let limit = incumbent.cutoff();
  for (let next = 0; next < memberCount; next++) {
    if ((next < 32 ? low >>> next : high >>> (next - 32)) & 1) continue;
    const hopMs = hop[member * memberCount + next]!;
    // The state of `next` that remembers all its neighbors which the label visited.
    let state = stateStart[next]!;
    const remembered = neighborhoods[next]!;
    for (let index = 0; index < remembered.length; index++) {
      const visited = remembered[index]!;
      if ((visited < 32 ? low >>> visited : high >>> (visited - 32)) & 1) state += 1 << index;
    }
    const estimate = cost + charged + hopMs + value[at * count + state]! - constant;
    if (!(estimate < limit)) continue;
    const twin = identicalBefore[next]!;
    if (twin >= 0 && !((twin < 32 ? low >>> twin : high >>> (twin - 32)) & 1)) continue;
    const eRow = next * (layerCount + 1);
    const to = reach[eRow + at]!;
    if (to === layerCount && at >= inst.lastStart[next]!) {
      const total =
        cost +
        hopMs +
        stage[next]! +
        prefix[eRow + layerCount]! -
        prefix[eRow + at]! +
        inst.head[next]! +
        inst.close[next * memberCount + first]!;
      if (total < limit && table.hasRequired(low, high, next)) {
        incumbent.offer(table.complete(level, label, next, total));
        limit = incumbent.cutoff();
      }
    }
    const base = cost + hopMs + stage[next]! - prefix[eRow + at]!;
    const chargedNow = charged + charge[next]!;
    const limitCost = limit - chargedNow + constant;
    for (let end = at + 1; end <= to && end < layerCount; end++) {
      const childCost = base + prefix[eRow + end]!;
      const rest = childCost + onward[end * count + state]!;
      if (rest >= limitCost) continue;
      table.push(
        children,
        label,
        low,
        high,
        first,
        next,
        end,
        childCost,
        chargedNow,
        rest + chargedNow - constant,
      );
    }
  }
}
