/** Which generations the coordinator queues. Pure. */
import {
  type Generation,
  GenerationId,
  type MemberId,
  PlacementId,
  RoomError,
  type RoomState,
} from "../../shared/index.ts";
import type { RoomCommand } from "../membership/messages.ts";

type Request = Extract<RoomCommand, { type: "request_generation" }>;

/** As many as the server forwards to a room: the coordinator asks for all HTTP clients. */
export const MAX_GENERATIONS_PER_MEMBER = 64;

/** A placement's id must be given; one that starts later gets the placement of that time. */
const NOT_PLACED_YET = PlacementId.parse(1);

/**
 * The queued generation. Throws a `RoomError` for a prompt that does not fit, for a requester that has
 * too many already, and without a model, unless one is about to be placed (`solving`).
 */
export function queuedGeneration(
  { placement, generations }: RoomState,
  requester: MemberId,
  { promptTokens, maxTokens, key, continues }: Request,
  { id, solving }: { readonly id: number; readonly solving: boolean },
): Generation {
  if (!placement && !solving) throw new RoomError({ reason: "no_model_placed" });
  // The last token of an answer has no place in the cache, and may be all that is left.
  const space = placement ? placement.contextTokens - (continues ? 0 : 1) : Infinity;
  if (placement && promptTokens > space) {
    const { contextTokens } = placement;
    throw new RoomError({ reason: "prompt_too_long", promptTokens, contextTokens });
  }
  const own = generations.filter((known) => known.requester === requester);
  if (own.length >= MAX_GENERATIONS_PER_MEMBER) {
    const maxGenerations = MAX_GENERATIONS_PER_MEMBER;
    throw new RoomError({ reason: "too_many_generations", member: requester, maxGenerations });
  }
  return {
    id: GenerationId.parse(id),
    requester,
    key,
    continues,
    placement: placement?.id ?? NOT_PLACED_YET,
    status: "queued",
    promptTokens,
    maxTokens,
  };
}
