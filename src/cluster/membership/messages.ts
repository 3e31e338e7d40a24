/**
 * Control messages between members, one JSON value each. Parsed once, on receipt, and
 * trusted after that. The handshake of `mesh` has compared the versions: a change of these
 * messages is a change of the protocol's version.
 *
 *   newcomer to coordinator   join
 *   coordinator to newcomer   welcome, or refused with the reason
 *   coordinator to members    events, snapshot, key_changed
 *   member to coordinator     command, events_missing, leave
 *   coordinator to member     result of a command
 *   member to member          standing: whom it follows, and in which epoch
 */
import { z } from "zod";
import type { Transport } from "../../mesh/index.ts";
import {
  AdmissionFailure,
  Admits,
  IndexedEvent,
  GenerationId,
  MemberId,
  PlacementId,
  DeviceState,
  Failure,
  Link,
  Measurements,
  Member,
  MemberName,
  MemberUse,
  NoAdapter,
  ShardState,
  ModelSummary,
  JoinRefusal,
  MAX_FIELD_CHARACTERS,
  MAX_LAPS,
  RoomError,
  RoomFailure,
  RequestKey,
  RoomKey,
  RoomState,
  Settings,
  Stage,
  Trouble,
  typed,
} from "../../shared/index.ts";

/** Commands that need no decision: `command-events.ts` has their events. */
const PlainCommand = z.discriminatedUnion("type", [
  typed("rename", { name: MemberName.min(1) }),
  typed("report_measurements", { measurements: Measurements }),
  typed("report_device_state", { device: DeviceState }),
  typed("report_adapter_loss", { noAdapter: NoAdapter }),
  typed("report_links", { links: z.array(Link).min(1) }),
  typed("report_shard", { shard: ShardState }),
  typed("choose_member", { member: MemberId, use: MemberUse }),
  typed("remove_member", { member: MemberId }),
  typed("change_settings", { settings: Settings }),
  typed("change_admission", { admits: Admits }),
  typed("add_model", { model: ModelSummary }),
  typed("clear_placement", {}),
  typed("end_generation", {
    generation: GenerationId,
    outcome: z.enum(["done", "stopped", "failed"]),
    tokens: z.int().min(0),
    error: RoomFailure.nullable(),
  }),
]);
export type PlainCommand = z.infer<typeof PlainCommand>;

/** What a member requests from the coordinator. */
export const RoomCommand = z.discriminatedUnion("type", [
  PlainCommand,
  /** Engine ms of this member's stage in laps of one token, newest last. */
  typed("report_laps", {
    placement: PlacementId,
    computeMs: z.array(z.number().min(0)).min(1).max(MAX_LAPS),
    /** Of stage 0: ms that laps of one token spent on the wire. */
    wireMs: z.array(z.number().min(0)).max(MAX_LAPS).optional(),
  }),
  typed("report_trouble", { trouble: Trouble }),
  /** Lets the solver choose; the result comes when the stages are chosen, not when they have loaded. */
  typed("place_model", { model: z.string() }),
  typed("place_stages", { model: z.string(), stages: z.array(Stage).min(1) }),
  /** This member has loaded its layers of a handover, or why it has not. */
  typed("report_handover", { placement: PlacementId, failure: Failure.nullable() }),
  /** This member wants to leave. The result is the placement that takes over from it, or null. */
  typed("hand_over", {}),
  /** The result is the generation's id; it runs once its status is "running". */
  typed("request_generation", {
    /** The result of a request with a known key is the generation that has it. */
    key: RequestKey,
    continues: z.boolean(),
    promptTokens: z.int().min(1),
    maxTokens: z.int().min(1),
  }),
]);
export type RoomCommand = z.infer<typeof RoomCommand>;
export type Laps = Omit<Extract<RoomCommand, { type: "report_laps" }>, "type">;

/** Parses a command, of this tab or of another. Throws a `RoomError` that names the first wrong field. */
export function parseCommand(command: unknown): RoomCommand {
  const parsed = RoomCommand.safeParse(command);
  if (parsed.success) return parsed.data;
  const field = parsed.error.issues[0]?.path.join(".") ?? "";
  throw new RoomError({ reason: "command_invalid", field: field.slice(0, MAX_FIELD_CHARACTERS) });
}

const NewcomerRefusal = z.discriminatedUnion("reason", [JoinRefusal, AdmissionFailure]);
export type NewcomerRefusal = z.infer<typeof NewcomerRefusal>;

/** The value of a command's result: an id for placements and generations, else null. */
const CommandValue = z.int().min(0).nullable();

/** What a member knows of who coordinates: of itself, if it does; else whom it follows. */
export const Standing = z.strictObject({
  epoch: z.int().min(1),
  /** The length of its log. */
  index: z.int().min(0),
  /** null while it has none. */
  coordinator: MemberId.nullable(),
  /** The coordinator that opened the epoch: with it, the epoch is a term. */
  opener: MemberId,
  /** It coordinates, and its members hold at least half of the placement's stages. */
  holdsModel: z.boolean(),
});
export type Standing = Readonly<z.infer<typeof Standing>>;

export const ClusterMessage = z.discriminatedUnion("type", [
  typed("join", {
    /** Upper case; any text, so that the refusal can name it. */
    room: z.string(),
    member: Member,
  }),
  /** The secret travels only here and in `key_changed`, over a connection that was proven. */
  typed("welcome", { key: RoomKey, state: RoomState }),
  /** A member was removed: the others continue with another secret. */
  typed("key_changed", { key: RoomKey }),
  typed("refused", { refusal: NewcomerRefusal }),
  typed("events", { events: z.array(IndexedEvent).min(1) }),
  typed("snapshot", { state: RoomState }),
  /** After a gap; the answer is a snapshot. */
  typed("events_missing", {}),
  /** `parseCommand` reads the command, so that an invalid one gets an answer. */
  typed("command", { id: z.int().min(1), command: z.unknown().optional() }),
  typed("result", {
    id: z.int().min(1),
    /** null when the command was done. */
    error: RoomFailure.nullable(),
    value: CommandValue,
  }),
  /** Of a member that leaves, to its coordinator, and of a coordinator, to all. */
  typed("leave", {}),
  /** The receiver of one that `asks` answers with its own. */
  typed("standing", { asks: z.boolean(), ...Standing.shape }),
]);
export type ClusterMessage = z.infer<typeof ClusterMessage>;

/** Sends without waiting, so that one slow peer does not delay the others. */
export function post(transport: Transport, peer: MemberId, message: ClusterMessage): void {
  // A send fails only if the connection is gone, which `onDisconnect` reports.
  transport.send(peer, message).catch(() => transport.disconnect(peer));
}
