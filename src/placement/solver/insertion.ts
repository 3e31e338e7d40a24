/**
 * Orders that avoid missing links: members are inserted one by one where they lengthen the round trip
 * least. For rooms in which the greedy rules fail because of missing links.
 */
import { splitForObjective } from "./bottleneck.ts";
import type { Instance } from "./instance.ts";
import type { Plan } from "./plan.ts";
import { splitWithSkips } from "./layer-split.ts";

/** The cost of a missing link, as a multiple of the longest one. */
const MISSING_FACTOR = 1000;

/** The first plan found from any first member, or null. */
export function insertedPlan(inst: Instance, isLate: () => boolean): Plan | null {
  const { memberCount, hop, close } = inst;
  let longest = 1e-6;
  for (const ms of hop) if (ms < Infinity) longest = Math.max(longest, ms);
  const finite = (ms: number) => (ms < Infinity ? ms : MISSING_FACTOR * longest);
  const way = hop.map(finite);
  const back = close.map(finite);
  for (let first = 0; first < memberCount && !isLate(); first++) {
    if (inst.firstEnd[first] === 0) continue;
    const chain = splitWithSkips(inst, insertAll(memberCount, first, way, back));
    const plan = chain.cost < Infinity ? splitForObjective(inst, chain.order) : null;
    if (plan !== null) return plan;
  }
  return null;
}

/** All members in a round trip from `first`, each inserted where it costs least. */
function insertAll(
  memberCount: number,
  first: number,
  way: Float64Array,
  back: Float64Array,
): number[] {
  const order = [first];
  for (let member = 0; member < memberCount; member++) {
    if (member === first) continue;
    insertCheapest(order, member, (from, to = first) => {
      const onward = to === first ? back : way;
      return (
        way[from * memberCount + member]! +
        onward[member * memberCount + to]! -
        onward[from * memberCount + to]!
      );
    });
  }
  return order;
}

/**
 * Inserts `member` into `order`, not before the first, where it adds least; at the end if every
 * place adds Infinity. `addedMs` gets each place; `to` is undefined for the end.
 */
export function insertCheapest(
  order: number[],
  member: number,
  addedMs: (from: number, to: number | undefined) => number,
): void {
  let place = order.length;
  let least = Infinity;
  for (let index = 1; index <= order.length; index++) {
    const ms = addedMs(order[index - 1]!, order[index]);
    if (ms < least) [least, place] = [ms, index];
  }
  order.splice(place, 0, member);
}
