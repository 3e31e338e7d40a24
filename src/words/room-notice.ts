/** What happened in a room, for the people in it: what it is, and what to do about it. */
import type {
  CloseFailure,
  JoinRefusal,
  LeaveReason,
  PlacementFailure,
  RoomFailure,
  RoomNotice,
  TabWarning,
} from "../shared/index.ts";
import { describeBridgeRefusal } from "./bridge-refusal.ts";
import { describeFailure } from "./failure.ts";
import { describeModelNotice } from "./model-failure.ts";
import { describeRefusal, describeRemedy } from "./placement.ts";
import { describeRoomFailure } from "./room-failure.ts";
import { describer, type NameOf } from "./sentences.ts";

export type DescribedNotice = {
  readonly level: "info" | "warning" | "error";
  readonly message: string;
  readonly whatToDo: string | null;
};

export const describeNotice = describer<RoomNotice, DescribedNotice>({
  connected: ({ room }) => info(`Connected to room ${room}.`),
  reconnecting: () =>
    warning(
      "The connection to the coordinator is lost. The room is choosing another one.",
      "Keep this tab open: it keeps trying to rejoin.",
    ),
  disconnected: ({ room }) =>
    error(`The connection to room ${room} is lost.`, "Check the network and join again."),
  coordinator_changed: ({ member, isSelf }, nameOf) =>
    info(`The coordinator left; ${isSelf ? "this tab" : nameOf(member)} coordinates the room now.`),
  member_left: ({ member, reason, heldLayers }, nameOf) => {
    const name = nameOf(member);
    const message = `${name} left the room. ${describeDeparture(reason, nameOf)}`.trim();
    return heldLayers
      ? warning(message, `${name} held layers of the model. Other members take over.`)
      : info(message);
  },
  removed: ({ by }, nameOf) => error(`${nameOf(by)} removed this tab from the room.`),
  handing_over: () =>
    info(
      "This tab leaves the room when other members have loaded its layers. To leave at once, click Leave again.",
    ),
  placement_failed: ({ failure }, nameOf) => ofPlacement(failure, nameOf),
  newcomer_refused: ({ refusal }, nameOf) => ofRefusedNewcomer(refusal, nameOf),
  device_error: ({ cause }, nameOf) =>
    error(
      `The GPU reported an error: ${describeFailure(cause, nameOf)}`,
      "This tab loads its layers again.",
    ),
  failed: ({ failure }, nameOf) => ofFailure(failure, nameOf),
  warning: ({ warning: cause }, nameOf) => {
    const message = describeWarning(cause, nameOf);
    return cause.kind === "signaling_restored" ? info(message) : warning(message);
  },
  wrong_room_code: ({ text }) =>
    error(
      `"${text}" is not a room code.`,
      "A room code has 6 letters and digits, and never 0, O, 1, I, or L. Check the code on the other screen.",
    ),
  wrong_room_link: () =>
    error(
      "This link to a room is incomplete.",
      "Copy the whole link again, or type the room's code.",
    ),
  stored_models_deleted: () => info("The models stored on this machine were deleted."),
});

function ofRefusedNewcomer(refusal: JoinRefusal | CloseFailure, nameOf: NameOf): DescribedNotice {
  if (refusal.reason === "too_many_guesses") {
    return warning(
      "Someone is trying to join this room with wrong codes.",
      "To stop this, open the invitation and let people join only with the link.",
    );
  }
  if (refusal.reason !== "version_mismatch") {
    return warning("A tab could not join.", describeRoomFailure(refusal, nameOf));
  }
  const { ours, theirs } = refusal;
  return warning(
    `A tab could not join: it uses version ${theirs} of the protocol, and this room version ${ours}.`,
    `Reload ${theirs > ours ? "the tabs of this room" : "that tab"}.`,
  );
}

function ofPlacement(failure: PlacementFailure, nameOf: NameOf): DescribedNotice {
  const message = describeRoomFailure(failure, nameOf);
  switch (failure.reason) {
    case "stage_shard_failed":
      return warning(message, "Its layers are loaded again.");
    case "stage_link_lost":
    case "stage_member_left":
    case "stage_gpu_lost":
      return warning(message, "Other members take over its layers.");
    case "stage_load_failed":
      return error(message, "Place the model again, or set that member to “Never use”.");
    case "not_placed_again":
      return error(
        message,
        "The model is placed as soon as the room can hold it. Let another machine join, or choose a smaller model.",
      );
    default:
      return failure satisfies never;
  }
}

/** A refusal in two parts: what is missing, and what would help. */
function ofFailure(failure: RoomFailure, nameOf: NameOf): DescribedNotice {
  if (failure.reason !== "not_placed" || failure.refusal.kind !== "infeasible") {
    return error(describeRoomFailure(failure, nameOf));
  }
  const { refusal } = failure;
  const help = refusal.remedies.map((remedy) => describeRemedy(remedy, nameOf)).join("; ");
  const message = describeRefusal({ ...refusal, remedies: [] }, nameOf);
  return error(message, help === "" ? null : `What would help: ${help}.`);
}

const describeWarning = describer<TabWarning>({
  model: ({ notice }, nameOf) => describeModelNotice(notice, nameOf),
  bridge_refused: ({ refusal }) =>
    `The room's HTTP API is not available. ${describeBridgeRefusal(refusal)}`,
  channel_unusable: ({ peer, cause }, nameOf) =>
    `The channel to ${nameOf(peer)} cannot be used. ${describeFailure(cause, nameOf)}`,
  solver_restarted: ({ cause }, nameOf) =>
    `The placement solver was started again. ${describeFailure(cause, nameOf)}`,
  signaling_lost: () =>
    "The server cannot be reached. The room continues, but other tabs cannot join it now.",
  signaling_restored: () => "The server can be reached again.",
});

/** Why a member is gone; empty if it just left. */
export const describeDeparture = describer<LeaveReason>({
  left: () => "",
  connection_closed: ({ cause }, nameOf) => describeFailure(cause, nameOf),
  coordinator_replaced: ({ coordinator }, nameOf) =>
    `${nameOf(coordinator)} coordinates the room now.`,
  removed: ({ by }, nameOf) => `${nameOf(by)} removed it.`,
  did_not_rejoin: () => "It did not rejoin when the coordinator changed.",
});

function info(message: string): DescribedNotice {
  return { level: "info", message, whatToDo: null };
}

function warning(message: string, whatToDo: string | null = null): DescribedNotice {
  return { level: "warning", message, whatToDo };
}

function error(message: string, whatToDo: string | null = null): DescribedNotice {
  return { level: "error", message, whatToDo };
}
