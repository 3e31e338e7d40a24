/**
 * A placement without measurements, to compare with: the smallest set of members,
 * largest memory first, that holds the model, with layers in proportion to memory. Pure.
 */
import type { Problem } from "../../placement/index.ts";
import { shardBytes, type Stage } from "../../shared/index.ts";

/** null if the memory of all members together does not suffice. */
export function proportionalStages(problem: Problem): Stage[] | null {
  const layers = problem.model.layers.length;
  const { weightBytes, cacheBytes } = shardBytes(problem.model, { first: 0, end: layers });
  const needed = weightBytes + cacheBytes;
  const sorted = problem.members
    .filter(({ excluded }) => excluded !== true)
    .toSorted((one, other) => other.memoryBytes - one.memoryBytes);
  let total = 0;
  const taken = sorted.filter(({ memoryBytes }) => {
    if (total >= needed) return false;
    total += memoryBytes;
    return true;
  });
  if (total < needed || taken.length > layers) return null;
  let held = 0;
  let first = 0;
  return taken.map(({ id, memoryBytes }, index) => {
    held += memoryBytes;
    const left = taken.length - 1 - index;
    const end = Math.min(layers - left, Math.max(first + 1, Math.round((held / total) * layers)));
    const stage = { member: id, first, end };
    first = end;
    return stage;
  });
}
