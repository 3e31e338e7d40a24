/** What two requests for a shard have in common, and what one needs in addition to the other. Pure. */
import { placedBytes } from "../../shared/index.ts";
import type { ShardRequest } from "../parts.ts";
import { isBuiltAlike } from "../planning/hand-over.ts";

/** Whether the shard of one request can be used for the other as it is. */
export function isSameShard(one: ShardRequest, other: ShardRequest): boolean {
  return isBuiltAlike(one, other) && one.first === other.first && one.end === other.end;
}

/** The layers that `request` has before or after those that are held; null if it has not all of these. */
export function extensionOf(held: ShardRequest, request: ShardRequest): ShardRequest | null {
  const { first, end } = request;
  if (!isBuiltAlike(held, request)) return null;
  const memoryBudgetBytes = request.memoryBudgetBytes - bytesOf(held);
  // What earlier stages have, they have already.
  const extension = { ...request, earlier: [], memoryBudgetBytes };
  if (held.first === first && held.end < end)
    return { ...extension, role: "after", missing: { first: held.end, end } };
  if (held.end === end && first < held.first)
    return { ...extension, role: "before", missing: { first, end: held.first } };
  return null;
}

/** What the shard takes of the GPU's memory, as placement counts it. */
export function bytesOf(request: ShardRequest): number {
  return placedBytes(request.model, request, request);
}
