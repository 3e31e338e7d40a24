/** What happened in a room, one sentence for each event of its log. */
import type { Admits, RoomEvent, Stage } from "../shared/index.ts";
import { describeDecision, describeTrigger } from "./decision.ts";
import { describeFailure } from "./failure.ts";
import type { NameOf } from "./name-of.ts";
import { layerRange, listed, plural } from "./quantities.ts";
import { describeRoomFailure } from "./room-failure.ts";
import { describeDeparture } from "./room-notice.ts";

const ADMITS: { readonly [Value in Admits]: string } = {
  code: "The room admits anyone with its code or its link.",
  link: "The room admits newcomers only by its link.",
  nobody: "The room was locked.",
};

export function describeEvent(event: RoomEvent, nameOf: NameOf): string {
  switch (event.type) {
    case "coordinator_changed":
      return `${nameOf(event.coordinator)} coordinates the room.`;
    case "member_joined":
      return `${event.member.name} joined.`;
    case "member_left":
      return `${nameOf(event.member)} left. ${describeDeparture(event.reason, nameOf)}`.trim();
    case "member_renamed":
      return `A member is now called ${event.name}.`;
    case "member_measured":
      return `${nameOf(event.member)} was measured again.`;
    case "member_corrected":
      return `${nameOf(event.member)} takes ${event.costRatio.toFixed(2)} times as long as its measurements predict.`;
    case "adapter_lost":
      return `${nameOf(event.member)} lost its GPU.`;
    case "member_use_chosen":
      return `${nameOf(event.member)} ${USES[event.use]}.`;
    case "device_states_updated":
      return `${listed(event.states.map(({ member }) => nameOf(member)))} reported device states.`;
    case "links_measured":
      return `${plural(event.links.length, "link")} measured.`;
    case "links_drifted":
      return `${plural(event.links.length, "link")} became slower or faster, and will be measured again.`;
    case "links_lost":
      return `${listed([...new Set(event.links.flatMap(({ from, to }) => [from, to]))].map(nameOf))} cannot reach each other.`;
    case "member_faulted":
      return `${nameOf(event.member)} can no longer compute its layers: ${describeFailure(event.cause, nameOf)}`;
    case "model_added":
      return `${event.model.name} was added to the room.`;
    case "placement_reviewed": {
      const { decision } = event;
      return `${describeTrigger(decision.trigger, nameOf)} ${describeDecision(decision, nameOf)}`;
    }
    case "placement_decided": {
      const { model, stages } = event.placement;
      return `${model.name} was placed: ${stagesOf(stages, nameOf)}.`;
    }
    case "shard_progressed": {
      const { member, shard } = event;
      return `${nameOf(member)}: ${layerRange(shard)} ${SHARD_STATES[shard.status]}.`;
    }
    case "placement_readied":
      return "Every stage has its layers.";
    case "placement_failed":
      return describeRoomFailure(event.error, nameOf);
    case "placement_cleared":
      return "The placement was cleared.";
    case "handover_begun": {
      const { model, stages } = event.placement;
      return `${model.name} moves while answers continue: ${stagesOf(stages, nameOf)}.`;
    }
    case "handover_loaded":
      return `${nameOf(event.member)} has its next layers.`;
    case "handover_ended":
      return event.switched ? "The next stages took over." : "The layers stay where they are.";
    case "generation_queued":
      return `${nameOf(event.generation.requester)} asked for an answer.`;
    case "generation_started":
      return "The answer began.";
    case "generation_ended":
      return `The answer ${OUTCOMES[event.outcome]} after ${plural(event.tokens, "token")}.${event.error === null ? "" : ` ${describeRoomFailure(event.error, nameOf)}`}`;
    case "settings_changed":
      return "The settings changed.";
    case "admission_changed":
      return ADMITS[event.admits];
    default:
      return event satisfies never;
  }
}

function stagesOf(stages: readonly Stage[], nameOf: NameOf): string {
  return listed(stages.map((stage) => `${layerRange(stage)} on ${nameOf(stage.member)}`));
}

const USES = {
  auto: "is used as the solver decides",
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
