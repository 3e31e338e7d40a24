/** The changes of a room that are notices for people. Pure. */
import type { LeaveReason, MemberId, RoomNotice, RoomState } from "../../shared/index.ts";
import type { Connection, RoomChange } from "./room-access.ts";

type Moment = { readonly state: RoomState; readonly connection: Connection };

/** The notice of one change, or null for what the page shows anyway. */
export function noticeOf(
  { event, notice }: RoomChange,
  before: Moment,
  now: Moment,
  self: MemberId,
): RoomNotice | null {
  if (notice !== null) return notice;
  if (before.connection !== now.connection) return ofConnection(before, now, self);
  switch (event?.event.type) {
    case "member_left":
      return ofLeaving(before.state, event.event.member, event.event.reason, self);
    case "coordinator_changed": {
      const { coordinator } = now.state;
      return { kind: "coordinator_changed", member: coordinator, isSelf: coordinator === self };
    }
    case "placement_failed":
      // The notice that the member left is shown already.
      return event.event.error.reason === "stage_member_left"
        ? null
        : { kind: "placement_failed", failure: event.event.error };
    default:
      return null;
  }
}

/** `before` is the state in which the member was in the room. */
function ofLeaving(
  { placement }: RoomState,
  member: MemberId,
  reason: LeaveReason,
  self: MemberId,
): RoomNotice {
  if (member === self && reason.reason === "removed") return { kind: "removed", by: reason.by };
  const heldLayers = placement?.stages.some((stage) => stage.member === member) ?? false;
  return { kind: "member_left", member, reason, heldLayers };
}

function ofConnection(
  before: Moment,
  { connection, state }: Moment,
  self: MemberId,
): RoomNotice | null {
  const { coordinator, room } = state;
  const old = before.state.coordinator;
  switch (connection) {
    case "connected":
      // The events that say so are part of the snapshot from the new coordinator.
      if (before.connection === "reconnecting" && old !== coordinator) {
        const reason = { reason: "coordinator_replaced", coordinator } as const;
        return ofLeaving(before.state, old, reason, self);
      }
      // The events that made this tab the coordinator had their own notices.
      return coordinator === self ? null : { kind: "connected", room };
    case "reconnecting":
      return { kind: "reconnecting" };
    case "lost":
      // The notice of its removal is shown already.
      return state.removedMembers.includes(self) ? null : { kind: "disconnected", room };
  }
}
