/**
 * The room's state: a fold over its event log, the same on every member.
 * It holds facts only; what can be derived from it is derived where it is shown.
 */
import { z } from "zod";
import { Decision } from "./decision.ts";
import { GenerationId, MemberId, PlacementId, RoomCode } from "./ids.ts";
import { Link, LostLink, Member, MemberName } from "./member.ts";
import { ModelSummary } from "./model.ts";
import { PlacementRules } from "./placement-rules.ts";
import { PlacementFailure } from "./room-failure.ts";

/** A stage of a placement: the layers `[first, end)` on one member. */
export const Stage = z.strictObject({
  member: MemberId,
  first: z.int().min(0),
  end: z.int().min(1),
});
export type Stage = z.infer<typeof Stage>;

/** Whether kernels may round activations to 8 bits per block of 32, as llama.cpp does. */
const Activations = z.enum(["float", "int8"]);

export const Placement = z.strictObject({
  id: PlacementId,
  model: ModelSummary,
  stages: z.array(Stage).min(1),
  /** Tokens of context that each generation may use. */
  contextTokens: z.int().min(1),
  /** Generations that may be in flight at once. */
  generationSlots: z.int().min(1),
  activations: Activations,
  /** What the cost model predicts; null for a placement made by hand. */
  predictedMs: z.number().min(0).nullable(),
  /** Ready once every stage's member has reported its layers. */
  ready: z.boolean(),
  error: PlacementFailure.nullable(),
});
export type Placement = z.infer<typeof Placement>;

/** Chosen by the requester of an answer, and repeated with each retry of the same request. */
export const RequestKey = z.string().regex(/^[\w.-]{1,64}$/);

export const Generation = z.strictObject({
  id: GenerationId,
  requester: MemberId,
  /** A requester has one generation per key: a request that is retried is not answered twice. */
  key: RequestKey,
  /** It continues an answer that lost its stages: it waits while the model does not fit. */
  continues: z.boolean(),
  placement: PlacementId,
  status: z.enum(["queued", "running"]),
  promptTokens: z.int().min(0),
  maxTokens: z.int().min(1),
});
export type Generation = z.infer<typeof Generation>;

/** A placement that loads while the current one answers. It takes over once every stage has loaded. */
export const Handover = z.strictObject({ placement: Placement, loaded: z.array(MemberId) });
export type Handover = z.infer<typeof Handover>;

/** What people can change for the whole room. */
export const Settings = z.strictObject({
  contextTokens: z.int().min(128).max(1_048_576),
  generationSlots: z.int().min(1).max(64),
  /** An answer in the page's chat ends after this many tokens; other requests bring their own limit. */
  maxAnswerTokens: z.int().min(1).max(1_048_576),
  telemetryIntervalMs: z.int().min(250).max(60_000),
  activations: Activations,
  /** Absent is `DEFAULT_PLACEMENT_RULES`. */
  placementRules: PlacementRules.optional(),
  /** Who places models, chooses members, and changes settings; absent is everyone that computes. */
  changesBy: z.enum(["everyone", "opener"]).optional(),
});
export type Settings = z.infer<typeof Settings>;

export function openerRule({ changesBy }: Settings): "everyone" | "opener" {
  return changesBy ?? "everyone";
}

export const DEFAULT_SETTINGS: Settings = {
  contextTokens: 2048,
  generationSlots: 4,
  maxAnswerTokens: 1024,
  telemetryIntervalMs: 2000,
  activations: "int8",
};

/** Whom the room admits: newcomers with its code or its link, only those with the link, or no newcomers. */
export const Admits = z.enum(["code", "link", "nobody"]);
export type Admits = z.infer<typeof Admits>;

export const RoomState = z.strictObject({
  room: RoomCode,
  /** Rises by one with each coordinator. */
  epoch: z.int().min(1),
  /** The index that the next event must have. */
  nextIndex: z.int().min(0),
  coordinator: MemberId,
  /** The member that opened the room; when it leaves, the one that has been here longest. */
  openedBy: MemberId.nullable().default(null),
  members: z.array(Member),
  /** The names of members that left, newest last: what is said of a loss names them. */
  formerMembers: z.array(z.strictObject({ id: MemberId, name: MemberName })),
  /** Members that were removed, newest last: the room does not admit their ids again. */
  removedMembers: z.array(MemberId).default([]),
  links: z.array(Link),
  /** Directions in which a link was lost and has not been measured since. */
  lostLinks: z.array(LostLink).default([]),
  /** Models that the room knows and can load. */
  models: z.array(ModelSummary),
  placement: Placement.nullable(),
  handover: Handover.nullable().default(null),
  generations: z.array(Generation),
  settings: Settings,
  admits: Admits.default("code"),
  /** With the index of its event. */
  lastDecision: Decision.extend({ index: z.int().min(0) })
    .nullable()
    .default(null),
});
export type RoomState = z.infer<typeof RoomState>;
