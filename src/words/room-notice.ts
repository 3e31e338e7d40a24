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
import type { NameOf } from "./name-of.ts";
import { describeRefusal, describeRemedy } from "./placement.ts";
import { describeRoomFailure } from "./room-failure.ts";
import { render, type Sentences } from "./sentences.ts";

export type DescribedNotice = {
  readonly level: "info" | "warning" | "error";
  readonly message: string;
  readonly whatToDo: string | null;
};

export function describeNotice(notice: RoomNotice, nameOf: NameOf): DescribedNotice {
  switch (notice.kind) {
    case "connected":
      return info(`Connected to room ${notice.room}.`);
    case "reconnecting":
      return {
        level: "warning",
        message: "The connection to the coordinator is lost. The room is choosing another one.",
        whatToDo: "Keep this tab open: it keeps trying to rejoin.",
      };
    case "disconnected":
      return {
        level: "error",
        message: `The connection to room ${notice.room} is lost.`,
        whatToDo: "Check the network and join again.",
      };
    case "coordinator_changed":
      return info(
        `The coordinator left; ${notice.isSelf ? "this tab" : nameOf(notice.member)} coordinates the room now.`,
      );
    case "member_left": {
      const { member, reason, heldLayers } = notice;
      const name = nameOf(member);
      return {
        level: heldLayers ? "warning" : "info",
        message: `${name} left the room. ${describeDeparture(reason, nameOf)}`.trim(),
        whatToDo: heldLayers ? `${name} held layers of the model. Other members take over.` : null,
      };
    }
    case "removed":
      return {
        level: "error",
        message: `${nameOf(notice.by)} removed this tab from the room.`,
        whatToDo: null,
      };
    case "handing_over":
      return info(
        "This tab leaves once other members have its layers. Leave again to leave at once.",
      );
    case "placement_failed":
      return ofPlacement(notice.failure, nameOf);
    case "newcomer_refused":
      return ofRefusedNewcomer(notice.refusal, nameOf);
    case "device_error":
      return {
        level: "error",
        message: `The GPU reported an error: ${describeFailure(notice.cause, nameOf)}`,
        whatToDo: "This tab loads its layers again.",
      };
    case "failed":
      return ofFailure(notice.failure, nameOf);
    case "warning":
      return {
        level: notice.warning.kind === "signaling_restored" ? "info" : "warning",
        message: render(warnings, notice.warning, nameOf),
        whatToDo: null,
      };
    case "wrong_room_code":
      return {
        level: "error",
        message: `"${notice.text}" is not a room code.`,
        whatToDo:
          "A room code has 6 letters and digits, and never 0, O, 1, I, or L. Check the code on the other screen.",
      };
    case "wrong_room_link":
      return {
        level: "error",
        message: "This link to a room is incomplete.",
        whatToDo: "Copy the whole link again, or type the room's code.",
      };
    case "stored_models_deleted":
      return info("The models stored on this machine were deleted.");
    default:
      return notice satisfies never;
  }
}

function ofRefusedNewcomer(refusal: JoinRefusal | CloseFailure, nameOf: NameOf): DescribedNotice {
  const notice = { level: "warning", message: "A tab could not join." } as const;
  if (refusal.reason === "too_many_guesses") {
    return {
      ...notice,
      message: "Someone is trying wrong codes for this room.",
      whatToDo: "To stop this, open the invitation and let people join only with the link.",
    };
  }
  if (refusal.reason !== "other_version" && refusal.reason !== "version_mismatch") {
    return { ...notice, whatToDo: describeRoomFailure(refusal, nameOf) };
  }
  const [roomVersion, tabVersion] =
    refusal.reason === "other_version"
      ? [refusal.roomVersion, refusal.tabVersion]
      : [refusal.ours, refusal.theirs];
  return {
    ...notice,
    message: `A tab could not join: it uses version ${tabVersion} of the protocol, and this room version ${roomVersion}.`,
    whatToDo: `Reload ${tabVersion > roomVersion ? "the tabs of this room" : "that tab"}.`,
  };
}

function ofPlacement(failure: PlacementFailure, nameOf: NameOf): DescribedNotice {
  const message = describeRoomFailure(failure, nameOf);
  switch (failure.reason) {
    case "stage_shard_failed":
      return { level: "warning", message, whatToDo: "Its layers are loaded again." };
    case "stage_link_lost":
    case "stage_member_left":
    case "stage_gpu_lost":
      return { level: "warning", message, whatToDo: "Other members take over its layers." };
    case "stage_load_failed": {
      const whatToDo = "Place the model again, or set that member to “Never use”.";
      return { level: "error", message, whatToDo };
    }
    case "not_placed_again": {
      const whatToDo =
        "The model is placed as soon as the room can hold it. Let another machine join, or choose a smaller model.";
      return { level: "error", message, whatToDo };
    }
    default:
      return failure satisfies never;
  }
}

/** A refusal in two parts: what is missing, and what would help. */
function ofFailure(failure: RoomFailure, nameOf: NameOf): DescribedNotice {
  if (failure.reason !== "not_placed") {
    return { level: "error", message: describeRoomFailure(failure, nameOf), whatToDo: null };
  }
  const { refusal } = failure;
  if (refusal.kind !== "infeasible" || refusal.remedies.length === 0) {
    return { level: "error", message: describeRefusal(refusal, nameOf), whatToDo: null };
  }
  const help = refusal.remedies.map((remedy) => describeRemedy(remedy, nameOf)).join("; ");
  return {
    level: "error",
    message: describeRefusal({ ...refusal, remedies: [] }, nameOf),
    whatToDo: `What would help: ${help}.`,
  };
}

const warnings: Sentences<TabWarning> = {
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
};

const departures: Sentences<LeaveReason> = {
  left: () => "",
  connection_closed: ({ cause }, nameOf) => describeFailure(cause, nameOf),
  coordinator_replaced: ({ coordinator }, nameOf) =>
    `${nameOf(coordinator)} coordinates the room now.`,
  removed: ({ by }, nameOf) => `${nameOf(by)} removed it.`,
  did_not_rejoin: () => "It did not rejoin when the coordinator changed.",
};

/** Why a member is gone; empty if it just left. */
export function describeDeparture(reason: LeaveReason, nameOf: NameOf): string {
  return render(departures, reason, nameOf);
}

function info(message: string): DescribedNotice {
  return { level: "info", message, whatToDo: null };
}
