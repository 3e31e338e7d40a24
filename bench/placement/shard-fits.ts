/** Whether a member can hold a shard, directly from the problem; shares no code with the solver. */
import type { Problem, ProblemMember } from "../../src/placement/index.ts";

/** Whether `member` can hold the layers `[first, end)`, embedding and head included. */
export function shardFits(
  { model }: Problem,
  member: ProblemMember,
  first: number,
  end: number,
): boolean {
  const isFirst = first === 0;
  const isLast = end === model.layers.length;
  const largest = member.maxBindingBytes ?? Infinity;
  let bytes = 0;
  for (const layer of model.layers.slice(first, end)) {
    bytes += layer.weightBytes + layer.kvBytes;
    if ((layer.bindingBytes ?? layer.weightBytes) > largest) return false;
  }
  if (isFirst && (model.embedBindingBytes ?? model.embedBytes) > largest) return false;
  if (isLast && (model.headBindingBytes ?? model.headBytes) > largest) return false;
  if (isFirst && isLast && model.tied) bytes += Math.max(model.embedBytes, model.headBytes);
  else bytes += (isFirst ? model.embedBytes : 0) + (isLast ? model.headBytes : 0);
  return bytes <= member.memoryBytes;
}
