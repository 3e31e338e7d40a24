/** How the members of a room differ. */
import type { Difference } from "../shared/index.ts";
import type { NameOf } from "./name-of.ts";
import { bytes, percent } from "./quantities.ts";

export function describeDifference(difference: Difference, nameOf: NameOf): string {
  const { kind, min, max } = difference;
  const [low, high] = [nameOf(difference.minMember), nameOf(difference.maxMember)];
  switch (kind) {
    case "memory":
      return `Memory ranges from ${bytes(min)} (${low}) to ${bytes(max)} (${high}).`;
    case "throughput":
      return `${low} is ${percent(1 - min / max)} slower than ${high}.`;
    case "utilization":
      return `Utilization ranges from ${percent(min)} (${low}) to ${percent(max)} (${high}).`;
    default:
      return kind satisfies never;
  }
}
