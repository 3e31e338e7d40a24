/** How the members of a room differ. */
import { type Difference, HETEROGENEOUS_SHARE } from "../shared/index.ts";
import { bytes, figure, percent } from "./quantities.ts";
import type { NameOf } from "./sentences.ts";

/** One sentence for each difference, or one that says how alike the members are. */
export function describeDifferences(differences: readonly Difference[], nameOf: NameOf): string {
  return differences.length === 0
    ? `All members have the same memory budget, and their throughput and utilization differ by at most ${percent(HETEROGENEOUS_SHARE)}.`
    : differences.map((difference) => describeDifference(difference, nameOf)).join(" ");
}

export function describeDifference(difference: Difference, nameOf: NameOf): string {
  const { kind, min, max } = difference;
  const [low, high] = [nameOf(difference.minMember), nameOf(difference.maxMember)];
  return {
    memory: `Memory ranges from ${bytes(min)} (${low}) to ${bytes(max)} (${high}).`,
    // From a factor of 2 on, a percentage says little: 99.8% slower is 500 times slower.
    throughput:
      max < 2 * min
        ? `${low} is ${percent(1 - min / max)} slower than ${high}.`
        : `${high} is ${figure(max / min)} times as fast as ${low}.`,
    utilization: `Utilization ranges from ${percent(min)} (${low}) to ${percent(max)} (${high}).`,
  }[kind];
}
