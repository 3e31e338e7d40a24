/**
 * The events of a command that needs no decision: what a member reports, and what
 * people set. Pure; throws `RoomError` for a command about an unknown member.
 */
import { type RoomEvent, type MemberId, type RoomState, RoomError } from "../../shared/index.ts";
import type { RoomCommand } from "../membership/messages.ts";

export type CommandContext = { readonly state: RoomState; readonly from: MemberId };

export type PlainCommand = Exclude<
  RoomCommand,
  {
    type:
      "report_device_state" | "report_laps" | "place_model" | "place_stages" | "request_generation";
  }
>;

export function eventsOf({ state, from }: CommandContext, command: PlainCommand): RoomEvent[] {
  switch (command.type) {
    case "rename":
      return [{ type: "member_renamed", member: from, name: command.name }];
    case "report_measurements":
      return [{ type: "member_measured", member: from, measurements: command.measurements }];
    case "report_adapter_loss":
      return [{ type: "adapter_lost", member: from, noAdapter: command.noAdapter }];
    case "report_links": {
      const links = command.links.filter((link) => link.from === from);
      return links.length > 0 ? [{ type: "links_measured", links }] : [];
    }
    case "report_shard":
      return command.shard.placement === state.placement?.id
        ? [{ type: "shard_progressed", member: from, shard: command.shard }]
        : [];
    case "choose_member":
      if (!state.members.some(({ id }) => id === command.member)) {
        throw new RoomError({
          reason: "unknown_member",
          member: command.member,
          members: state.members.map(({ id }) => id),
        });
      }
      return [{ type: "member_use_chosen", member: command.member, use: command.use }];
    case "change_settings":
      return [{ type: "settings_changed", settings: command.settings }];
    case "change_admission":
      return command.admits === state.admits
        ? []
        : [{ type: "admission_changed", admits: command.admits }];
    case "add_model":
      return [{ type: "model_added", model: command.model }];
    case "clear_placement":
      return state.placement ? [{ type: "placement_cleared", placement: state.placement.id }] : [];
    case "end_generation":
      return state.generations.some(
        ({ id, requester }) => id === command.generation && requester === from,
      )
        ? [
            {
              type: "generation_ended",
              generation: command.generation,
              outcome: command.outcome,
              tokens: command.tokens,
              error: command.error,
            },
          ]
        : [];
    default:
      command satisfies never;
      return [];
  }
}
