/** A lost placement whose model cannot be placed again: the first loss, and why. Pure. */
import {
  failureOf,
  type PlacementFailure,
  roomFailureOf,
  type StageLoss,
} from "../../shared/index.ts";

/** `error` is what the attempt to place the model rejected with. */
export function notPlacedAgain(lost: PlacementFailure, error: unknown): PlacementFailure {
  const failure = roomFailureOf(error);
  const cause = failure.reason === "not_placed" ? failure : failureOf(error);
  return { reason: "not_placed_again", loss: lossOf(lost), cause };
}

function lossOf(failure: PlacementFailure): StageLoss {
  return failure.reason === "not_placed_again" ? failure.loss : failure;
}
