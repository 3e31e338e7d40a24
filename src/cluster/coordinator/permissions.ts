/**
 * Who may do what in a room. Pure: the same state gives the same answer on every member.
 *
 *   everyone               asks, ends its own answers, and reports about itself
 *   members that compute   also place, add models, choose members, and change settings and whom the room
 *                          admits, unless the room's rule leaves that to the member that opened the room
 *   the coordinator        the same whatever the rule is, because it answers the HTTP API
 *   the opener             all of that; it also ends any answer, sets the rule, and removes members
 */
import { type Denial, type MemberId, openerRule, type RoomState } from "../../shared/index.ts";
import type { RoomCommand } from "../membership/messages.ts";

/** Commands that change the room for all. */
const CHANGES: ReadonlySet<RoomCommand["type"]> = new Set([
  "choose_member",
  "change_settings",
  "change_admission",
  "add_model",
  "place_model",
  "place_stages",
  "clear_placement",
]);

/** Why `from` may not do this, or null. */
export function denialOf(state: RoomState, from: MemberId, command: RoomCommand): Denial | null {
  const { openedBy, coordinator } = state;
  if (from === openedBy) return null;
  if (command.type === "remove_member") return { reason: "opener_only", openedBy };
  if (
    command.type === "change_settings" &&
    openerRule(command.settings) !== openerRule(state.settings)
  )
    return { reason: "opener_only", openedBy };
  if (from === coordinator) return null;
  if (command.type === "end_generation") {
    const generation = state.generations.find(({ id }) => id === command.generation);
    if (generation === undefined || generation.requester === from) return null;
    return { reason: "not_requester", requester: generation.requester };
  }
  if (!CHANGES.has(command.type)) return null;
  const member = state.members.find(({ id }) => id === from);
  if (member?.noAdapter?.reason === "observer") return { reason: "observers_only_ask" };
  return openerRule(state.settings) === "opener" ? { reason: "opener_only", openedBy } : null;
}
