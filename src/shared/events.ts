/**
 * What happened in a room, in the past tense. The coordinator numbers events and
 * sends them to all members; `apply` folds them into the state.
 *
 * An event that changes no state is not an event: tokens and activations are
 * frames and never come here.
 */
import { z } from "zod";
import { Decision } from "./decision.ts";
import { Failure } from "./failure.ts";
import { GenerationId, MemberId, PlacementId } from "./ids.ts";
import { LeaveReason } from "./leave-reason.ts";
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
  z.strictObject({ type: z.literal("coordinator_changed"), coordinator: MemberId }),
  z.strictObject({ type: z.literal("member_joined"), member: Member }),
  z.strictObject({ type: z.literal("member_left"), member: MemberId, reason: LeaveReason }),
  z.strictObject({ type: z.literal("member_renamed"), member: MemberId, name: MemberName }),
  z.strictObject({
    type: z.literal("member_measured"),
    member: MemberId,
    measurements: Measurements,
  }),
  /** Laps showed that the cost model is off for this member. */
  z.strictObject({
    type: z.literal("member_corrected"),
    member: MemberId,
    costRatio: z.number().positive(),
  }),
  z.strictObject({ type: z.literal("adapter_lost"), member: MemberId, noAdapter: NoAdapter }),
  z.strictObject({ type: z.literal("member_use_chosen"), member: MemberId, use: MemberUse }),
  /** Of several members at once, so that a large room is not flooded with samples. */
  z.strictObject({
    type: z.literal("device_states_updated"),
    states: z.array(z.strictObject({ member: MemberId, device: DeviceState })).min(1),
  }),
  z.strictObject({ type: z.literal("links_measured"), links: z.array(Link).min(1) }),
  /** Laps take another time than the links of their pipeline predict. */
  z.strictObject({ type: z.literal("links_drifted"), links: z.array(LostLink).min(1) }),
  /** Both ends, or the one that can speak, found that no frame passes, and could not repair it. */
  z.strictObject({ type: z.literal("links_lost"), links: z.array(LostLink).min(1) }),
  /** A member's layers failed, or its stage does not respond. It holds none until it loads them again. */
  z.strictObject({ type: z.literal("member_faulted"), member: MemberId, cause: Failure }),
  z.strictObject({ type: z.literal("model_added"), model: ModelSummary }),
  /** A placement was considered, and taken or not. */
  z.strictObject({ type: z.literal("placement_reviewed"), decision: Decision }),
  z.strictObject({ type: z.literal("placement_decided"), placement: Placement }),
  z.strictObject({ type: z.literal("shard_progressed"), member: MemberId, shard: ShardState }),
  z.strictObject({ type: z.literal("placement_readied"), placement: PlacementId }),
  /** Its stages cannot answer any more, or never could. */
  z.strictObject({
    type: z.literal("placement_failed"),
    placement: PlacementId,
    error: PlacementFailure,
  }),
  z.strictObject({ type: z.literal("placement_cleared"), placement: PlacementId }),
  /** The next placement loads beside the current one, whose answers go on. */
  z.strictObject({ type: z.literal("handover_begun"), placement: Placement }),
  z.strictObject({
    type: z.literal("handover_loaded"),
    placement: PlacementId,
    member: MemberId,
  }),
  /** `switched`: the next placement is the current one now, and ready. */
  z.strictObject({
    type: z.literal("handover_ended"),
    placement: PlacementId,
    switched: z.boolean(),
  }),
  z.strictObject({ type: z.literal("generation_queued"), generation: Generation }),
  z.strictObject({
    type: z.literal("generation_started"),
    generation: GenerationId,
    placement: PlacementId,
  }),
  z.strictObject({
    type: z.literal("generation_ended"),
    generation: GenerationId,
    /** "interrupted": its placement is gone; the requester may continue it under the next one. */
    outcome: z.enum(["done", "stopped", "failed", "interrupted"]),
    tokens: z.int().min(0),
    error: RoomFailure.nullable(),
  }),
  z.strictObject({ type: z.literal("settings_changed"), settings: Settings }),
  z.strictObject({ type: z.literal("admission_changed"), admits: Admits }),
]);
export type RoomEvent = z.infer<typeof RoomEvent>;

/** The coordinator's numbering of one event; every member applies the same sequence. */
export const IndexedEvent = z.strictObject({
  epoch: z.int().min(1),
  index: z.int().min(0),
  event: RoomEvent,
});
export type IndexedEvent = z.infer<typeof IndexedEvent>;
