/** How the members of a room differ. */
import type { Difference } from "../shared/index.ts";
import type { NameOf } from "./name-of.ts";
import { megabytes, percent } from "./quantities.ts";

export function describeDifference(difference: Difference, nameOf: NameOf): string {
  const { kind, min, max } = difference;
  const [low, high] = [nameOf(difference.minMember), nameOf(difference.maxMember)];
  switch (kind) {
    case "memory":
      return `Memory ranges from ${memory(min)} (${low}) to ${memory(max)} (${high}).`;
    case "throughput":
      return `${low} is ${percent(1 - min / max)} slower than ${high}.`;
    case "utilization":
      return `Utilization ranges from ${percent(min)} (${low}) to ${percent(max)} (${high}).`;
    default:
      return kind satisfies never;
  }
}

function memory(bytes: number): string {
  return bytes < 1e9 ? megabytes(bytes) : `${(bytes / 1e9).toFixed(2)} GB`;
}
