/**
 * Orders that avoid missing links: members are inserted one by one where they lengthen the round trip
 * least. For rooms in which the greedy rules fail because of missing links.
 */
import { splitForObjective } from "./bottleneck.ts";
import type { Instance } from "./instance.ts";
import type { Plan } from "./plan.ts";
import { splitOrder } from "./layer-split.ts";

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
    const order = insertAll(memberCount, first, way, back);
    const plan = splitForObjective(inst, splitOrder(inst, order, true).order);
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
    let place = order.length;
    let least = Infinity;
    for (let at = 1; at <= order.length; at++) {
      const from = order[at - 1]!;
      const to = order[at] ?? first;
      const onward = to === first ? back : way;
      const added =
        way[from * memberCount + member]! +
        onward[member * memberCount + to]! -
        onward[from * memberCount + to]!;
      if (added < least) [least, place] = [added, at];
    }
    order.splice(place, 0, member);
  }
  return order;
}
