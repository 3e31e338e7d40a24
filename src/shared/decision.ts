/** Why the layers of a model run where they do: what was last decided, and what led to it. */
import { z } from "zod";
import { kind } from "./failure-schema.ts";
import { MemberId } from "./ids.ts";
import { BrokenRule, Choice, MoveReason, Refusal } from "./placement-reasons.ts";
import { PlacementFailure } from "./room-failure.ts";

/** One change in what a placement depends on. */
export const CapacityChange = z.discriminatedUnion("kind", [
  /** Another member became the coordinator and has no earlier state to compare with. */
  kind("coordinator", {}),
  kind("settings", {}),
  kind("links", {}),
  kind("member", {
    member: MemberId,
    change: z.enum([
      "joined",
      "left",
      "released",
      "pinned",
      "excluded",
      "measured",
      "violates_rule",
      "no_longer_violates",
      "proved_speed",
      "slower",
      /** It is forecast to become slower. */
      "slows_soon",
      "faster",
    ]),
    /** The rules that it breaks now. */
    brokenRules: z.array(BrokenRule),
  }),
]);
export type CapacityChange = z.infer<typeof CapacityChange>;

/** What made the room decide. */
export const DecisionTrigger = z.discriminatedUnion("kind", [
  kind("person", {}),
  kind("loss", { failure: PlacementFailure }),
  kind("changes", { changes: z.array(CapacityChange).min(1) }),
]);
export type DecisionTrigger = z.infer<typeof DecisionTrigger>;

export const DecisionReason = z.discriminatedUnion("kind", [
  kind("manual", {}),
  kind("solved", { choice: Choice }),
  /** After a loss, the other stages kept their layers: answers wait for them. */
  kind("repaired", {}),
  kind("cost", { move: MoveReason }),
  /** Members of the current placement violate hard rules. */
  kind("rules_violated", { brokenRules: z.array(BrokenRule) }),
  kind("settings_changed", {}),
  kind("manual_kept", {}),
  kind("cooldown", {}),
  kind("no_alternative", { refusal: Refusal }),
  kind("failed", { failure: PlacementFailure }),
]);
export type DecisionReason = z.infer<typeof DecisionReason>;

/** The last decision about where the layers run, whether or not anything moved. */
export const Decision = z.strictObject({
  /** "stays": alternatives were considered and not taken. "impossible": there is no placement. */
  outcome: z.enum(["placed", "moved", "stays", "impossible"]),
  model: z.string(),
  trigger: DecisionTrigger,
  reason: DecisionReason,
  /** Predicted ms per token of the current placement and of the proposed one. */
  currentMs: z.number().nullable(),
  proposedMs: z.number().nullable(),
  gainMs: z.number().nullable(),
  /** Bytes of weights that members load for it, in total. */
  bytesToLoad: z.number().min(0),
  /** Whether the times include penalties of soft rules. */
  includesPenalties: z.boolean(),
  /** Whether the times are of one token, and not of another objective of the room. */
  isTokenTime: z.boolean(),
  /** Answers in progress that wait until the new placement has loaded. */
  waitingAnswers: z.int().min(0),
});
export type Decision = z.infer<typeof Decision>;
