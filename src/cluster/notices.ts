/** Which changes of a room people should be told about, and in which words. Pure. */
import type { MemberId } from "../shared/ids.ts";
import type { Notice } from "../shared/page-view.ts";
import type { RoomState } from "../shared/state.ts";
import type { Connection, RoomChange } from "./membership.ts";

type Moment = { readonly state: RoomState; readonly connection: Connection };

/** The notice of one change, or null for what the page shows anyway. */
export function noticeOf(
  { event }: RoomChange,
  before: Moment,
  now: Moment,
  self: MemberId,
): Notice | null {
  if (before.connection !== now.connection) return ofConnection(now);
  switch (event?.event.type) {
    case "member_left": {
      const { member, reason } = event.event;
      const name = before.state.members.find(({ id }) => id === member)?.name ?? member;
      const held = before.state.placement?.stages.some((stage) => stage.member === member);
      return {
        level: held ? "warning" : "info",
        message: `${name} left the room. ${reason}`,
        whatToDo: held ? "It held layers of the model; the room places them anew." : null,
      };
    }
    case "coordinator_changed":
      return {
        level: "info",
        message:
          now.state.coordinator === self
            ? "The coordinator is gone; this tab coordinates the room now."
            : `The coordinator is gone; ${now.state.coordinator} coordinates the room now.`,
        whatToDo: null,
      };
    case "placement_failed":
      return {
        level: "error",
        message: event.event.error,
        whatToDo: "Place the model again once the room can hold it.",
      };
    default:
      return null;
  }
}

function ofConnection({ connection, state }: Moment): Notice {
  switch (connection) {
    case "connected":
      return { level: "info", message: `Connected to room ${state.room}.`, whatToDo: null };
    case "reconnecting":
      return {
        level: "warning",
        message: "The connection to the coordinator is lost. Looking for another one.",
        whatToDo: null,
      };
    case "lost":
      return {
        level: "error",
        message: `The connection to room ${state.room} is lost.`,
        whatToDo: "Check the network and join again.",
      };
  }
}
