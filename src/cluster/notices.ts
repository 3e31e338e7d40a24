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
  if (before.connection !== now.connection) return ofConnection(before, now, self);
  switch (event?.event.type) {
    case "member_left": {
      const { member, reason } = event.event;
      return ofLeaving(before.state, member, reason);
    }
    case "coordinator_changed":
      return {
        level: "info",
        message:
          now.state.coordinator === self
            ? "The coordinator is gone; this tab coordinates the room now."
            : `The coordinator is gone; ${nameIn(now.state, now.state.coordinator)} coordinates the room now.`,
        whatToDo: null,
      };
    case "placement_failed":
      return ofFailure(event.event.error, before, now);
    default:
      return null;
  }
}

/** A stage that is gone is first placed anew, without anybody's doing; all else waits for people. */
function ofFailure(error: string, before: Moment, { state }: Moment): Notice | null {
  const isSecond = typeof before.state.placement?.error === "string";
  const holders = (state.placement?.stages ?? []).map(({ member }) =>
    state.members.find(({ id }) => id === member),
  );
  if (isSecond) {
    const whatToDo =
      "It is placed as soon as the room can hold it. Let another machine join, or choose a smaller model.";
    return { level: "error", message: error, whatToDo };
  }
  // The notice of the member's leaving stands there and says it.
  if (holders.includes(undefined)) return null;
  if (holders.some((holder) => holder?.adapter === null)) {
    return { level: "warning", message: error, whatToDo: "Others take its layers over." };
  }
  const whatToDo = "Place the model again, or set that member to “Never use”.";
  return { level: "error", message: error, whatToDo };
}

function nameIn({ members }: RoomState, member: MemberId): string {
  return members.find(({ id }) => id === member)?.name ?? member;
}

/** `before` is the state in which the member was there. */
function ofLeaving(before: RoomState, member: MemberId, reason: string): Notice {
  const held = before.placement?.stages.some((stage) => stage.member === member);
  const name = nameIn(before, member);
  return {
    level: held ? "warning" : "info",
    message: `${name} left the room. ${reason}`,
    whatToDo: held ? `${name} held layers of the model; others take them over.` : null,
  };
}

function ofConnection(
  before: Moment,
  { connection, state }: Moment,
  self: MemberId,
): Notice | null {
  const { coordinator } = state;
  const old = before.state.coordinator;
  switch (connection) {
    case "connected":
      // The events that say so are in the snapshot that came with the new coordinator.
      if (before.connection === "reconnecting" && old !== coordinator) {
        const reason = `${nameIn(state, coordinator)} coordinates the room now.`;
        return ofLeaving(before.state, old, reason);
      }
      // The events that made this tab the coordinator have been told.
      if (coordinator === self) return null;
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
