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

/** A placement's id must be given; one that starts later gets the placement of that time. */
const NOT_PLACED_YET = PlacementId.parse(1);

/**
 * The queued generation. Throws a `RoomError` for a prompt that does not fit, and
 * without a model, unless one is about to be placed (`solving`).
 */
export function queuedGeneration(
  { placement }: RoomState,
  requester: MemberId,
  { promptTokens, maxTokens }: Request,
  { id, solving }: { readonly id: number; readonly solving: boolean },
): Generation {
  if (!placement && !solving) throw new RoomError({ reason: "no_model_placed" });
  if (placement && promptTokens >= placement.contextTokens) {
    const { contextTokens } = placement;
    throw new RoomError({ reason: "prompt_too_long", promptTokens, contextTokens });
  }
  return {
    id: GenerationId.parse(id),
    requester,
    placement: placement?.id ?? NOT_PLACED_YET,
    status: "queued",
    promptTokens,
    maxTokens,
  };
}
