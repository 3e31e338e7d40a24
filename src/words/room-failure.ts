/** Why a room refused a command, lost a placement, or ended an answer. */
import {
  type Denial,
  type NoAdapter,
  type JoinRefusal,
  type RoomFailure,
  type StageLoss,
} from "../shared/index.ts";
import { causeIn, describeFailure, failures } from "./failure.ts";
import { describeNoAdapter } from "./no-adapter.ts";
import { describeRefusal, describeViolation } from "./placement.ts";
import { exactBytes, layerRange, listed } from "./quantities.ts";
import { describer, type NameOf, type Sentences } from "./sentences.ts";

const stageLosses: Sentences<StageLoss> = {
  stage_member_left: ({ member, model, ...layers }, nameOf) =>
    `${nameOf(member)} left while it held ${layerRange(layers)} of ${model}.`,
  stage_gpu_lost: ({ member, model, noAdapter, ...layers }, nameOf) =>
    `${nameOf(member)} lost its GPU${lossDetail(noAdapter)} while it held ${layerRange(layers)} of ${model}.`,
  stage_load_failed: ({ member, model, cause, ...layers }, nameOf, describeCause) =>
    `${nameOf(member)} could not load ${layerRange(layers)} of ${model}${cause === null ? "" : `: ${describeCause(cause)}`}.`,
  stage_shard_failed: ({ member, model, cause, ...layers }, nameOf, describeCause) =>
    `${nameOf(member)} can no longer compute ${layerRange(layers)} of ${model}${cause === null ? "" : `: ${describeCause(cause)}`}.`,
  stage_link_lost: ({ member, to, model, ...layers }, nameOf) =>
    `${nameOf(member)}, which holds ${layerRange(layers)} of ${model}, can no longer reach ${nameOf(to)}.`,
};

const joinRefusals: Sentences<JoinRefusal> = {
  invalid_join_message: ({ peer }) => `The tab ${peer} sent a message that this one cannot read.`,
  wrong_room: ({ room, requested }) => `This is room ${room}, not ${requested}. Check the code.`,
  not_coordinator: ({ member }, nameOf) => `${nameOf(member)} does not coordinate the room.`,
  removed_from_room: () => "This tab was removed from the room.",
  other_sender: ({ member, peer }) => `The tab ${peer} introduced itself as ${member}.`,
};

const denials: Sentences<Denial> = {
  observers_only_ask: () =>
    "This tab only observes: it can chat, but cannot place models or change the room. To change the room, join again without observing.",
  opener_only: ({ openedBy }, nameOf) =>
    `Only the member that opened the room may do this${openedBy === null ? "" : `: ${nameOf(openedBy)}`}.`,
  not_requester: ({ requester }, nameOf) =>
    `Only ${nameOf(requester)}, which asked for this answer, can end it.`,
  model_name_taken: ({ model }) =>
    `The room already has another file named ${model}. Place that one, or add this one under another name.`,
};

const describe = describer<RoomFailure>({
  ...failures,
  ...stageLosses,
  ...joinRefusals,
  ...denials,
  not_placed_again: ({ loss, cause }, nameOf) =>
    `${describeRoomFailure(loss, nameOf)} The model cannot be placed again: ${describeRoomFailure(cause, nameOf)}`,
  not_placed: ({ refusal }, nameOf) => describeRefusal(refusal, nameOf),
  command_invalid: ({ field }) => `The value of ${field || "the command"} is not valid.`,
  event_invalid: ({ event, field }) =>
    `The room cannot record ${event}: the value of ${field} is not valid.`,
  unknown_member: ({ member, members }) =>
    `No member ${member} is in the room. Its members are ${members.join(", ")}.`,
  unknown_model: ({ model, known }) =>
    `The room does not know the model ${model}. ${known.length > 0 ? `It knows ${listed(known)}.` : "It does not know any model yet."}`,
  stages_invalid: ({ model, violation }, nameOf) =>
    `Invalid stages for ${model}: ${describeViolation(violation, nameOf)}.`,
  member_cannot_compute: ({ member, noAdapter }, nameOf) =>
    `${nameOf(member)} cannot compute. ${noAdapter === null ? "It has not been measured yet." : describeNoAdapter(noAdapter)}`,
  stage_exceeds_memory: ({ member, model, neededBytes, availableBytes, ...layers }, nameOf) =>
    `${nameOf(member)} has ${exactBytes(availableBytes)} for ${layerRange(layers)} of ${model}, but needs ${exactBytes(neededBytes)}: ${exactBytes(neededBytes - availableBytes)} short. Assign fewer layers to it, or reduce the room's context or generation slots.`,
  model_unreadable: ({ cause }, nameOf) => describeFailure(cause, nameOf),

  no_model_placed: () => "No model is placed in this room. Place one and ask again.",
  prompt_missing: ({ requester }, nameOf) =>
    `The prompt of ${nameOf(requester)} did not arrive at the first stage in time. Ask again.`,
  too_many_generations: ({ member, maxGenerations }, nameOf) =>
    `${nameOf(member)} is already waiting for ${maxGenerations} answers, which is the limit. Ask again when one of them has ended.`,
  unknown_token: ({ model, token }) => `${model} has no token ${token}.`,
  prompt_not_tokenized: ({ cause }, _nameOf, describeCause) =>
    `The prompt cannot be tokenized: ${describeCause(cause)}.`,
  model_changed: ({ model, placed }) =>
    `The room now runs ${placed} instead of ${model}. Ask again.`,
  placement_replaced: () => "The model was placed again.",
  placement_cleared: () => "The placement was cleared.",
  generation_forgotten: () => "The room lost track of the answer. Ask again.",

  log_unreadable: ({ problem }) => LOG_PROBLEMS[problem],

  room_not_reached: ({ room, cause }, _nameOf, describeCause) =>
    `Room ${room} cannot be reached${cause === null ? "" : `: ${describeCause(cause)}`}.`,
  coordinator_silent: () => "The room's coordinator did not answer in time. Try again.",
  coordinator_lost: () =>
    "The connection to the room's coordinator is lost, and the room is choosing another one. Try again.",
  coordinator_stopped: () => "This tab no longer coordinates the room.",
  not_a_member: () => "This tab is no longer a member of the room. Join again.",
  not_in_room: () => "This tab is no longer in a room. Join again.",
  tab_left: () => "This tab left the room.",
  cancelled: () => "The request was cancelled.",
});

const LOG_PROBLEMS = {
  not_a_log: "This file is not a room's log. Choose one that was saved on this page.",
  other_version:
    "This log was saved by another version of Tabmesh. Open it in a page of that version.",
  malformed: "This log is damaged: a part of it cannot be read. Save it again.",
  events_missing: "This log is damaged: events are missing from it. Save it again.",
} as const;

export function describeRoomFailure(failure: RoomFailure, nameOf: NameOf): string {
  return describe(failure, nameOf, causeIn(nameOf));
}

/** What the browser said. */
function lossDetail(noAdapter: NoAdapter | null): string {
  return noAdapter?.reason === "device_lost" && noAdapter.detail ? ` (${noAdapter.detail})` : "";
}
