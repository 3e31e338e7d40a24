/** Why an answer ended early, or a stage could not load. */
import type { MemberId, StageFailure } from "../shared/index.ts";
import { bytes, figure, plural, time } from "./quantities.ts";
import type { NameOf, Sentences } from "./sentences.ts";

const ASK_AGAIN = "Ask again when the model is ready.";

const EXCLUDE = "Ask again; if it happens again, exclude this member.";

function stageOf({ stage, member }: { stage: number; member: MemberId }, nameOf: NameOf): string {
  return `${nameOf(member)} (stage ${stage + 1})`;
}

const FRAMES = {
  prompt: "a prompt",
  hidden: "a frame of hidden states",
  token: "a token",
  end: "the end of an answer",
  resume: "a request for hidden states",
} as const;

export const stageFailures: Sentences<StageFailure> = {
  stage_lost: ({ member, cause }, nameOf, describeCause) =>
    `The connection to ${nameOf(member)}, which holds part of the model, was lost (${describeCause(cause)}). ${ASK_AGAIN}`,
  first_stage_unreachable: ({ member, cause }, nameOf, describeCause) =>
    `${nameOf(member)}, which holds the first layers, cannot be reached (${describeCause(cause)}).`,
  placement_changed: () => `The model is being placed again. ${ASK_AGAIN}`,
  layers_unloaded: () => `A member unloaded its layers. ${ASK_AGAIN}`,
  layers_not_loaded: () => `A member does not hold its layers yet. ${ASK_AGAIN}`,
  load_superseded: () => "These layers are no longer needed, because the model was placed again.",
  prompt_empty: () => "The prompt is empty.",
  prompt_too_long: ({ promptTokens, contextTokens }) =>
    `The prompt has ${plural(promptTokens, "token")}, and the room's context has space for ${figure(contextTokens)}. Shorten it, or increase the context in the room's settings.`,
  no_free_slot: () => "A stage has no free slot for another answer. Ask again in a moment.",
  prompt_token_unknown: ({ token, vocabulary }) =>
    `The prompt contains the token ${token}, and the model has only ${vocabulary} tokens.`,
  hidden_state_mismatch: (sender, nameOf) =>
    `${stageOf(sender, nameOf)} sent rows that do not fit the model. ${ASK_AGAIN}`,
  hidden_state_not_finite: (sender, nameOf) =>
    `${stageOf(sender, nameOf)} computed numbers that are not finite. ${EXCLUDE}`,
  logits_not_finite: (sender, nameOf) =>
    `${stageOf(sender, nameOf)} computed probabilities that are not finite. ${EXCLUDE}`,
  token_unknown: ({ token, vocabulary, ...sender }, nameOf) =>
    `${stageOf(sender, nameOf)} sent the token ${token}, and the model has only ${vocabulary} tokens. ${EXCLUDE}`,
  position_not_next: ({ position, expected, ...sender }, nameOf) =>
    `${stageOf(sender, nameOf)} sent position ${position} of the answer instead of ${expected}. ${EXCLUDE}`,
  unexpected_sender: ({ member, frame }, nameOf) =>
    `${nameOf(member)} refused ${FRAMES[frame]}, because only another member may send it.`,
  sender_not_member: ({ member }, nameOf) =>
    `${nameOf(member)} refused the request, because this tab is not in its room. Ask again.`,
  generation_not_running: ({ member }, nameOf) =>
    `${nameOf(member)} refused the request, because the room is not running this answer. Ask again.`,
  early_frames_exceeded: ({ member, maxBytes }, nameOf) =>
    `${nameOf(member)} refused a message, because it already keeps ${bytes(maxBytes)} of this tab's messages that it cannot process yet. Ask again.`,
  step_failed: ({ cause }, _nameOf, describeCause) =>
    `A stage's GPU failed: ${describeCause(cause)}.`,
  device_lost_in_step: ({ cause }, _nameOf, describeCause) =>
    `A stage lost its GPU: ${describeCause(cause)}.`,
  step_late: ({ afterMs, boundMs }) =>
    `A stage's step did not finish within ${time(afterMs)}; the limit is ${time(boundMs)}.`,
  lap_late: ({ afterMs, boundMs }) =>
    `No token arrived for ${time(afterMs)}; the limit is ${time(boundMs)}.`,
  load_stalled: ({ member, loadedBytes, totalBytes, waitedMs }, nameOf) =>
    `${nameOf(member)} had loaded ${bytes(loadedBytes)} of ${bytes(totalBytes)} after ${time(waitedMs)}, and the room does not wait any longer.`,
  stage_silent: ({ member }, nameOf) =>
    `The tab of ${nameOf(member)} answers, but its stage does not.`,
};
