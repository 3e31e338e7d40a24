/** The recovery of an answer that lost its stages: what was lost, and how far the recovery is. */
import type { RecoveryProgress, RoomFailure } from "../shared/index.ts";
import { describeRefusal } from "./placement.ts";
import { bytes, percent } from "./quantities.ts";
import { describer, type NameOf } from "./sentences.ts";

/** One or two sentences: "Ada left. Recovering: loading layers, 40%." */
export function describeRecovery(
  lost: RoomFailure,
  progress: RecoveryProgress,
  nameOf: NameOf,
): string {
  return `${describeLoss(lost, nameOf)} ${describeProgress(progress, nameOf)}`;
}

function describeLoss(lost: RoomFailure, nameOf: NameOf): string {
  switch (lost.reason) {
    case "not_placed_again":
      return describeLoss(lost.loss, nameOf);
    case "stage_member_left":
      return `${nameOf(lost.member)} left.`;
    case "stage_gpu_lost":
      return `${nameOf(lost.member)} lost its GPU.`;
    case "stage_load_failed":
      return `${nameOf(lost.member)} could not load its layers.`;
    case "stage_lost":
    case "first_stage_unreachable":
      return `The connection to ${nameOf(lost.member)} was lost.`;
    case "placement_replaced":
    case "placement_changed":
    case "layers_unloaded":
    case "layers_not_loaded":
      return "Layers are moving to other members.";
    default:
      return "The answer was interrupted.";
  }
}

const describeProgress = describer<RecoveryProgress>({
  reconnecting: () => "Recovering: looking for the other members.",
  placing: () => "Recovering: choosing members for the layers.",
  waiting_for_member: ({ failure, missingBytes }, nameOf) => {
    const continues =
      "The answer continues when the model fits again, for example after another machine joins.";
    if (missingBytes !== null)
      return `The room needs ${bytes(missingBytes)} more memory for the model. ${continues}`;
    const cause = failure.reason === "not_placed_again" ? failure.cause : failure;
    return cause.reason === "not_placed"
      ? `${describeRefusal(cause.refusal, nameOf)} ${continues}`
      : `The model cannot be placed. ${continues}`;
  },
  loading: ({ loadedBytes, totalBytes }) =>
    totalBytes > 0
      ? `Recovering: loading layers, ${percent(loadedBytes / totalBytes)}.`
      : "Recovering: loading layers.",
  queued: () => "Recovering: waiting for other answers.",
  recomputing: () => "Recovering: recomputing the lost layers.",
});
