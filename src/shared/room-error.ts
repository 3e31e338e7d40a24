/**
 * An expected failure of a room, thrown as an error. HTTP routes turn the code into
 * a status; `words` renders the failure.
 */
import { failureOf } from "./failure.ts";
import type { RoomFailure } from "./room-failure.ts";

export type RoomErrorCode =
  /** The request makes no sense, whatever the room. */
  | "bad_request"
  /** The prompt is too long: the OpenAI API's code. */
  | "context_length_exceeded"
  /** No such model, member, or room. */
  | "not_found"
  /** The requester has too much in progress; it may ask again later. */
  | "busy"
  /** No member computes, or the model cannot be placed now. */
  | "unavailable"
  /** The work had begun and failed. */
  | "failed"
  /** The requester stopped it. */
  | "cancelled"
  /** Another protocol version or another room. */
  | "refused";

const CODES: { readonly [Reason in RoomFailure["reason"]]?: RoomErrorCode } = {
  prompt_empty: "bad_request",
  prompt_too_long: "context_length_exceeded",
  unknown_token: "bad_request",
  command_invalid: "bad_request",
  log_unreadable: "bad_request",
  stages_invalid: "bad_request",

  unknown_member: "not_found",
  unknown_model: "not_found",
  room_not_found: "not_found",

  too_many_generations: "busy",

  stage_member_left: "unavailable",
  stage_gpu_lost: "unavailable",
  stage_load_failed: "unavailable",
  not_placed_again: "unavailable",
  not_placed: "unavailable",
  member_cannot_compute: "unavailable",
  stage_exceeds_memory: "unavailable",
  model_unreadable: "unavailable",
  no_model_placed: "unavailable",
  generation_forgotten: "unavailable",
  room_not_reached: "unavailable",
  coordinator_silent: "unavailable",
  coordinator_lost: "unavailable",
  coordinator_stopped: "unavailable",
  not_coordinator: "unavailable",
  code_not_checked_here: "unavailable",
  peer_not_admitted: "unavailable",
  not_a_member: "unavailable",
  not_in_room: "unavailable",

  placement_cleared: "cancelled",
  tab_left: "cancelled",
  cancelled: "cancelled",

  version_mismatch: "refused",
  not_tabmesh: "refused",
  wrong_secret: "refused",
  wrong_code: "refused",
  too_many_guesses: "refused",
  link_needed: "refused",
  room_locked: "refused",
  invalid_join_message: "refused",
  wrong_room: "refused",
  removed_from_room: "refused",
  observers_only_ask: "refused",
  opener_only: "refused",
  not_requester: "refused",
  model_name_taken: "refused",
  other_sender: "refused",
};

export class RoomError extends Error {
  override readonly name = "RoomError";
  readonly failure: RoomFailure;

  constructor(failure: RoomFailure, options?: ErrorOptions) {
    super(JSON.stringify(failure), options);
    this.failure = failure;
  }

  get code(): RoomErrorCode {
    return CODES[this.failure.reason] ?? "failed";
  }
}

/** The data of anything that a room's call rejects with. */
export function roomFailureOf(error: unknown): RoomFailure {
  return error instanceof RoomError ? error.failure : failureOf(error);
}
