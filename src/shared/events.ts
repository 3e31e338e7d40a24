/**
 * What happened in a room, in the past tense. The coordinator numbers events and
 * sends them to all members; `apply` folds them into the state.
 *
 * An event that changes no state is not an event: tokens and activations are
 * frames and never come here.
 */
import { z } from "zod";
import { typed } from "./failure-schema.ts";
import { Decision } from "./decision.ts";
import { Failure } from "./failure.ts";
import { GenerationId, MemberId, PlacementId } from "./ids.ts";
import { LeaveReason } from "./mesh-failure.ts";
import {
  DeviceState,
  Link,
  LostLink,
  Measurements,
  Member,
  MemberUse,
  NoAdapter,
  ShardState,
  MemberName,
} from "./member.ts";
import { ModelSummary } from "./model.ts";
import { PlacementFailure, RoomFailure } from "./room-failure.ts";
import { Admits, Generation, Placement, Settings } from "./state.ts";

export const RoomEvent = z.discriminatedUnion("type", [
  /** The first event of a new epoch: another member numbers events from now on. */
  typed("coordinator_changed", { coordinator: MemberId }),
  typed("member_joined", { member: Member }),
  typed("member_left", { member: MemberId, reason: LeaveReason }),
  typed("member_renamed", { member: MemberId, name: MemberName }),
  typed("member_measured", { member: MemberId, measurements: Measurements }),
  /** Laps showed that the cost model is off for this member. */
  typed("member_corrected", { member: MemberId, costRatio: z.number().positive() }),
  typed("adapter_lost", { member: MemberId, noAdapter: NoAdapter }),
  typed("member_use_chosen", { member: MemberId, use: MemberUse }),
  typed("device_state_updated", { member: MemberId, device: DeviceState }),
  typed("links_measured", { links: z.array(Link).min(1) }),
  /** Laps take another time than the links of their pipeline predict. */
  typed("links_drifted", { links: z.array(LostLink).min(1) }),
  /** Both ends, or the one that still reports, found that no frame passes, and could not repair it. */
  typed("links_lost", { links: z.array(LostLink).min(1) }),
  /** A member's layers failed, or its stage does not respond. It holds none until it loads them again. */
  typed("member_faulted", { member: MemberId, cause: Failure }),
  typed("model_added", { model: ModelSummary }),
  /** A placement was considered, and taken or not. */
  typed("placement_reviewed", { decision: Decision }),
  typed("placement_decided", { placement: Placement }),
  typed("shard_progressed", { member: MemberId, shard: ShardState }),
  typed("placement_readied", { placement: PlacementId }),
  /** Its stages cannot answer any more, or never could. */
  typed("placement_failed", { placement: PlacementId, error: PlacementFailure }),
  typed("placement_cleared", { placement: PlacementId }),
  /** The next placement loads beside the current one, whose answers go on. */
  typed("handover_begun", { placement: Placement }),
  typed("handover_loaded", { placement: PlacementId, member: MemberId }),
  /** `switched`: the next placement is the current one now, and ready. */
  typed("handover_ended", { placement: PlacementId, switched: z.boolean() }),
  typed("generation_queued", { generation: Generation }),
  typed("generation_started", { generation: GenerationId, placement: PlacementId }),
  typed("generation_ended", {
    generation: GenerationId,
    /** "interrupted": its placement is gone; the requester may continue it under the next one. */
    outcome: z.enum(["done", "stopped", "failed", "interrupted"]),
    tokens: z.int().min(0),
    error: RoomFailure.nullable(),
  }),
  typed("settings_changed", { settings: Settings }),
  typed("admission_changed", { admits: Admits }),
]);
export type RoomEvent = z.infer<typeof RoomEvent>;

/** The coordinator's numbering of one event; every member applies the same sequence. */
export const IndexedEvent = z.strictObject({
  epoch: z.int().min(1),
  index: z.int().min(0),
  event: RoomEvent,
});
export type IndexedEvent = z.infer<typeof IndexedEvent>;
