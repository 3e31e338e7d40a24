/**
 * The events of a command that needs no decision: what a member reports, and what
 * people set. Pure; throws `RoomError` for an unknown member and for a model's name that is taken.
 * `permissions.ts` has checked who may give the command.
 */
import {
  isOfSource,
  type MemberId,
  modelIdOf,
  type ModelSummary,
  RoomError,
  type RoomEvent,
  type RoomState,
  type ShardState,
} from "../../shared/index.ts";
import type { PlainCommand } from "../membership/messages.ts";

export function eventsOf(state: RoomState, from: MemberId, command: PlainCommand): RoomEvent[] {
  switch (command.type) {
    case "rename":
      return [{ type: "member_renamed", member: from, name: command.name }];
    case "report_measurements":
      return [{ type: "member_measured", member: from, measurements: command.measurements }];
    case "report_device_state":
      return [{ type: "device_state_updated", member: from, device: command.device }];
    case "report_adapter_loss":
      return [{ type: "adapter_lost", member: from, noAdapter: command.noAdapter }];
    case "report_links": {
      const links = command.links.filter((link) => link.from === from);
      return links.length > 0 ? [{ type: "links_measured", links }] : [];
    }
    case "report_shard":
      return command.shard.placement === state.placement?.id
        ? shardEvents(from, command.shard)
        : [];
    case "remove_member": {
      // The coordinator that removed it was lost before it said so.
      if (state.removedMembers.includes(command.member)) return [];
      const reason = { reason: "removed", by: from } as const;
      const member = knownMember(state, command.member);
      // It knows the code, which does not change.
      const left = { type: "member_left", member, reason } as const;
      return state.admits === "code"
        ? [{ type: "admission_changed", admits: "link" }, left]
        : [left];
    }
    case "choose_member":
      knownMember(state, command.member);
      return [{ type: "member_use_chosen", member: command.member, use: command.use }];
    case "change_settings":
      return [{ type: "settings_changed", settings: command.settings }];
    case "change_admission":
      return command.admits === state.admits
        ? []
        : [{ type: "admission_changed", admits: command.admits }];
    case "add_model":
      return isNewModel(state, command.model)
        ? [{ type: "model_added", model: command.model }]
        : [];
    case "clear_placement":
      return state.placement ? [{ type: "placement_cleared", placement: state.placement.id }] : [];
    case "end_generation": {
      const { generation, outcome, tokens, error } = command;
      return state.generations.some(({ id }) => id === generation)
        ? [{ type: "generation_ended", generation, outcome, tokens, error }]
        : [];
    }
    default:
      command satisfies never;
      return [];
  }
}

/** A load that failed counts against the member, unless the bytes did not reach it. */
function shardEvents(member: MemberId, shard: ShardState): RoomEvent[] {
  const progressed: RoomEvent = { type: "shard_progressed", member, shard };
  const { status, error: cause } = shard;
  return status === "failed" && cause !== null && !isOfSource(cause)
    ? [progressed, { type: "member_faulted", member, cause }]
    : [progressed];
}

/** The model with this name or file name. Throws a `RoomError` for one that the room does not know. */
export function knownModel({ models }: RoomState, name: string): ModelSummary {
  const id = modelIdOf(name);
  const model = models.find((known) => known.name === id);
  if (model) return model;
  const known = models.map((other) => other.name);
  throw new RoomError({ reason: "unknown_model", model: name, known });
}

function knownMember({ members }: RoomState, member: MemberId): MemberId {
  if (members.some(({ id }) => id === member)) return member;
  throw new RoomError({ reason: "unknown_member", member, members: members.map(({ id }) => id) });
}

/** False if the room has it. Throws if another file has its name: members may have loaded that one. */
function isNewModel({ models }: RoomState, { name, contentId }: ModelSummary): boolean {
  const known = models.find((model) => model.name === name);
  if (known === undefined) return true;
  if (known.contentId === contentId) return false;
  throw new RoomError({ reason: "model_name_taken", model: name });
}
