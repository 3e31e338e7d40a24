/** Why bytes do not reach another tab. Raised by `mesh`, rendered by `words`. */
import { z } from "zod";
import { Detail, failure, Unexpected } from "./failure-schema.ts";
import { MemberId, RoomCode } from "./ids.ts";
import { ModelFailure } from "./model-failure.ts";

/** Why a member does not accept a proof of the room's code, right or wrong, or a newcomer at all. */
export const AdmissionFailure = z.discriminatedUnion("reason", [
  /** A key other than this room's, or a connection with someone in between. */
  failure("wrong_secret", {}),
  /** The same for a room's code. */
  failure("wrong_code", {}),
  /** `waitMs`: until the next guess of anyone. */
  failure("too_many_guesses", { waitMs: z.int().min(0) }),
  /** The room admits only newcomers with its link. */
  failure("link_needed", {}),
  failure("room_locked", {}),
  /** Only the coordinator checks codes. */
  failure("code_not_checked_here", { peer: MemberId }),
  /** Neither side has the room's secret. */
  failure("peer_not_admitted", { peer: MemberId }),
]);
export type AdmissionFailure = z.infer<typeof AdmissionFailure>;

/** Why a connection or a channel that was open, or was being opened, closed. */
export const CloseFailure = z.discriminatedUnion("reason", [
  failure("closed_by_this_tab", {}),
  failure("closed_by_peer", {}),
  failure("replaced_connection", {}),
  failure("channel_closed", {}),
  failure("channel_failed", { detail: Detail }),
  failure("peer_silent", { peer: MemberId }),
  failure("protocol_violation", { peer: MemberId, detail: Detail }),
  /** From the side that found it: `ours` is its version. */
  failure("version_mismatch", { ours: z.int(), theirs: z.int() }),
  failure("not_tabmesh", { peer: MemberId }),
  failure("other_identity", { peer: MemberId }),
  failure("connect_timeout", { peer: MemberId, timeoutMs: z.number() }),
  failure("no_such_peer", { peer: MemberId }),
  failure("connection_failed", { peer: MemberId, detail: Detail }),
  AdmissionFailure,
]);
export type CloseFailure = z.infer<typeof CloseFailure>;

/** Why a member is no longer in the room. */
export const LeaveReason = z.discriminatedUnion("reason", [
  failure("left", {}),
  failure("connection_closed", { cause: CloseFailure }),
  /** It coordinated the room, and its connection ended. */
  failure("coordinator_replaced", { coordinator: MemberId }),
  failure("did_not_rejoin", {}),
  failure("removed", { by: MemberId }),
]);
export type LeaveReason = z.infer<typeof LeaveReason>;

/** Why a member cannot read a range of its own file. */
export const ReadFailure = z.discriminatedUnion("reason", [ModelFailure, Unexpected]);
export type ReadFailure = z.infer<typeof ReadFailure>;

export const MeshFailure = z.discriminatedUnion("reason", [
  CloseFailure,
  failure("not_connected", { peer: MemberId }),
  failure("send_failed", { peer: MemberId, cause: CloseFailure }),

  failure("signaling_lost", {}),
  failure("signaling_unreachable", { url: z.string() }),
  /** The server limits how often an address may look rooms up. */
  failure("signaling_busy", { retryAfterS: z.int() }),
  failure("signaling_timeout", { url: z.string() }),
  failure("id_taken", { id: z.string() }),

  failure("room_not_found", { code: RoomCode }),
  failure("room_timeout", { code: RoomCode }),
  failure("room_unreachable", { code: RoomCode }),
  failure("invalid_room_answer", { code: RoomCode }),

  failure("peer_has_no_file", { peer: MemberId, file: z.string() }),
  failure("peer_read_failed", {
    peer: MemberId,
    file: z.string(),
    cause: ReadFailure,
  }),
  failure("peer_read_interrupted", { peer: MemberId, file: z.string(), cause: CloseFailure }),
  failure("peer_read_invalid", { peer: MemberId, file: z.string() }),
]);
export type MeshFailure = z.infer<typeof MeshFailure>;
