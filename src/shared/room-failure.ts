/**
 * What a room cannot do, and why: refused commands, lost placements, answers that
 * ended early. Travels in events and results; `words` renders it.
 */
import { z } from "zod";
import { Failure } from "./failure.ts";
import { failure } from "./failure-schema.ts";
import { MemberId, RoomCode } from "./ids.ts";
import { NoAdapter } from "./member.ts";
import { Refusal, Violation } from "./placement-reasons.ts";

/** The layers `[first, end)` of a model. */
const layers = { model: z.string(), first: z.int(), end: z.int() };

/** Why the layers of a stage are gone, or never arrived. */
export const StageLoss = z.discriminatedUnion("reason", [
  failure("stage_member_left", { member: MemberId, ...layers }),
  failure("stage_gpu_lost", { member: MemberId, ...layers, noAdapter: NoAdapter.nullable() }),
  failure("stage_load_failed", { member: MemberId, ...layers, cause: Failure.nullable() }),
  /** Its layers were loaded, and compute no more. */
  failure("stage_shard_failed", { member: MemberId, ...layers, cause: Failure.nullable() }),
  /** It cannot reach the stage after it. */
  failure("stage_link_lost", { member: MemberId, ...layers, to: MemberId }),
]);
export type StageLoss = z.infer<typeof StageLoss>;

const NotPlaced = failure("not_placed", { refusal: Refusal });

/** Why a placement cannot answer any more, or never could. */
export const PlacementFailure = z.discriminatedUnion("reason", [
  StageLoss,
  failure("not_placed_again", {
    loss: StageLoss,
    cause: z.discriminatedUnion("reason", [NotPlaced, Failure]),
  }),
]);
export type PlacementFailure = z.infer<typeof PlacementFailure>;

/** Why the coordinator does not admit a tab. */
export const JoinRefusal = z.discriminatedUnion("reason", [
  failure("wrong_room", { room: RoomCode, requested: z.string() }),
  /** It does not parse. */
  failure("invalid_join_message", { peer: MemberId }),
  failure("not_coordinator", { member: MemberId }),
  failure("removed_from_room", {}),
  failure("other_sender", { member: MemberId, peer: MemberId }),
]);
export type JoinRefusal = z.infer<typeof JoinRefusal>;

/** Why a member may not do what it tried to do. */
export const Denial = z.discriminatedUnion("reason", [
  failure("observers_only_ask", {}),
  failure("opener_only", { openedBy: MemberId.nullable() }),
  failure("not_requester", { requester: MemberId }),
  /** Another file has this name in the room. */
  failure("model_name_taken", { model: z.string() }),
]);
export type Denial = z.infer<typeof Denial>;

/** The path of a field in a command or an event, such as "settings.contextTokens". */
export const MAX_FIELD_CHARACTERS = 200;
const Field = z.string().max(MAX_FIELD_CHARACTERS);

export const RoomFailure = z.discriminatedUnion("reason", [
  Failure,
  PlacementFailure,
  JoinRefusal,
  Denial,
  NotPlaced,
  failure("command_invalid", { field: Field }),
  failure("event_invalid", { event: z.string(), field: Field }),
  failure("unknown_member", { member: z.string(), members: z.array(MemberId) }),
  failure("unknown_model", { model: z.string(), known: z.array(z.string()) }),
  failure("model_unreadable", { cause: Failure }),

  /** Stages that a person chose do not hold each layer of the model once. */
  failure("stages_invalid", { model: z.string(), violation: Violation }),
  failure("member_cannot_compute", { member: MemberId, noAdapter: NoAdapter.nullable() }),
  failure("stage_exceeds_memory", {
    member: MemberId,
    ...layers,
    neededBytes: z.number(),
    availableBytes: z.number(),
  }),

  failure("no_model_placed", {}),
  /** The room ran an answer, and its requester did not send the prompt. */
  failure("prompt_missing", { requester: MemberId }),
  /** The requester has as many answers that wait or run as one member may have. */
  failure("too_many_generations", { member: MemberId, maxGenerations: z.int() }),
  failure("unknown_token", { model: z.string(), token: z.int() }),
  failure("prompt_not_tokenized", { cause: Failure }),
  failure("model_changed", { model: z.string(), placed: z.string() }),
  failure("placement_replaced", {}),
  failure("placement_cleared", {}),
  failure("generation_forgotten", {}),

  /** A file that was opened as a saved log. */
  failure("log_unreadable", {
    problem: z.enum(["not_a_log", "other_version", "malformed", "events_missing"]),
  }),

  failure("room_not_reached", { room: RoomCode, cause: Failure.nullable() }),
  failure("coordinator_silent", {}),
  failure("coordinator_lost", {}),
  failure("coordinator_stopped", {}),
  failure("not_a_member", {}),
  failure("not_in_room", {}),
  failure("tab_left", {}),
  failure("cancelled", {}),
]);
export type RoomFailure = z.infer<typeof RoomFailure>;
