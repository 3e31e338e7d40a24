/** What happened in a room, one sentence for each event of its log. */
import type { Admits, RoomEvent, Stage } from "../shared/index.ts";
import { describeDecision, describeTrigger } from "./decision.ts";
import { describeFailure } from "./failure.ts";
import { layerRange, listed, plural } from "./quantities.ts";
import { describeRoomFailure } from "./room-failure.ts";
import { describeDeparture } from "./room-notice.ts";
import { describer, type NameOf } from "./sentences.ts";

const ADMITS: { readonly [Value in Admits]: string } = {
  code: "The room can be joined with its code or its link.",
  link: "The room can be joined only with its link.",
  nobody: "The room was locked.",
};

export const describeEvent = describer<RoomEvent>({
  coordinator_changed: ({ coordinator }, nameOf) => `${nameOf(coordinator)} coordinates the room.`,
  member_joined: ({ member }) => `${member.name} joined.`,
  member_left: ({ member, reason }, nameOf) =>
    `${nameOf(member)} left. ${describeDeparture(reason, nameOf)}`.trim(),
  member_renamed: ({ name }) => `A member is now called ${name}.`,
  member_measured: ({ member }, nameOf) => `${nameOf(member)} was measured again.`,
  member_corrected: ({ member, costRatio }, nameOf) =>
    `${nameOf(member)} takes ${costRatio.toFixed(2)} times as long as its measurements predict.`,
  adapter_lost: ({ member }, nameOf) => `${nameOf(member)} lost its GPU.`,
  member_use_chosen: ({ member, use }, nameOf) => `${nameOf(member)} ${USES[use]}.`,
  device_state_updated: ({ member }, nameOf) => `${nameOf(member)} reported its device state.`,
  links_measured: ({ links }) => `${plural(links.length, "link")} measured.`,
  links_drifted: ({ links }) =>
    `${plural(links.length, "link")} became slower or faster, and will be measured again.`,
  links_lost: ({ links }, nameOf) => {
    const members = new Set(links.flatMap(({ from, to }) => [from, to]));
    return `${listed([...members].map(nameOf))} cannot reach each other.`;
  },
  member_faulted: ({ member, cause }, nameOf) =>
    `${nameOf(member)} can no longer compute its layers: ${describeFailure(cause, nameOf)}`,
  model_added: ({ model }) => `${model.name} was added to the room.`,
  placement_reviewed: ({ decision }, nameOf) =>
    `${describeTrigger(decision.trigger, nameOf)} ${describeDecision(decision, nameOf)}`,
  placement_decided: ({ placement: { model, stages } }, nameOf) =>
    `${model.name} was placed: ${stagesOf(stages, nameOf)}.`,
  shard_progressed: ({ member, shard }, nameOf) =>
    `${nameOf(member)}: ${layerRange(shard)} ${SHARD_STATES[shard.status]}.`,
  placement_readied: () => "All layers are loaded.",
  placement_failed: ({ error }, nameOf) => describeRoomFailure(error, nameOf),
  placement_cleared: () => "The placement was cleared.",
  handover_begun: ({ placement: { model, stages } }, nameOf) =>
    `${model.name} moves while answers continue: ${stagesOf(stages, nameOf)}.`,
  handover_loaded: ({ member }, nameOf) => `${nameOf(member)} has loaded its next layers.`,
  handover_ended: ({ switched }) =>
    switched ? "The next stages took over." : "The layers stay where they are.",
  generation_queued: ({ generation }, nameOf) =>
    `${nameOf(generation.requester)} asked for an answer.`,
  generation_started: () => "The answer began.",
  generation_ended: ({ outcome, tokens, error }, nameOf) => {
    const why = error === null ? "" : ` ${describeRoomFailure(error, nameOf)}`;
    return `The answer ${OUTCOMES[outcome]} after ${plural(tokens, "token")}.${why}`;
  },
  settings_changed: () => "The settings changed.",
  admission_changed: ({ admits }) => ADMITS[admits],
});

function stagesOf(stages: readonly Stage[], nameOf: NameOf): string {
  return listed(stages.map((stage) => `${layerRange(stage)} on ${nameOf(stage.member)}`));
}

const USES = {
  auto: "is no longer pinned or excluded",
  pin: "was pinned",
  exclude: "was excluded",
} as const;
const SHARD_STATES = {
  loading: "are loading",
  ready: "are ready",
  failed: "failed to load",
} as const;
const OUTCOMES = {
  done: "was completed",
  stopped: "was stopped",
  failed: "failed",
  interrupted: "was interrupted",
} as const;
