/**
 * The settings of placement: every constraint, the objective, the weights of the
 * scores, and when a room moves its layers.
 *
 * A rule is `hard` (never violated), `soft` (a violation costs `penaltyMs` per
 * token), or `off`.
 */
import { z } from "zod";

const Use = z.enum(["hard", "soft", "off"]);
export type RuleUse = z.infer<typeof Use>;

export const PlacementRules = z.strictObject({
  objective: z
    .union([
      z.enum(["latency", "throughput", "prefill"]),
      z.strictObject({
        latency: z.number().min(0),
        throughput: z.number().min(0),
        prefill: z.number().min(0),
      }),
    ])
    .default("latency"),
  /** Cost of violating a soft rule, in ms per token and member. */
  penaltyMs: z.number().min(0).default(20),
  /** Weights, cache, and scratch fit in free memory. Off: the browser's limit decides. */
  memory: Use.default("hard"),
  /** The largest tensor slice fits one GPU binding. */
  binding: Use.default("hard"),
  /** Adjacent stages, and the last and the first, have a measured link. Soft: a missing link is slow. */
  reachable: Use.default("hard"),
  /** The member has the WebGPU features in `precisionFeatures`. */
  precision: Use.default("hard"),
  precisionFeatures: z.array(z.string()).default([]),
  /** On battery below `batteryLevel`. */
  battery: Use.default("hard"),
  batteryLevel: z.number().min(0).max(1).default(0.15),
  /** Compute pressure at `pressureLevel` or worse, or slower than predicted by `throttleRatio`. */
  pressure: Use.default("soft"),
  pressureLevel: z.enum(["fair", "serious", "critical"]).default("critical"),
  throttleRatio: z.number().min(1).default(3),
  /** A hidden tab. */
  visibility: Use.default("soft"),
  /** Pinned members have a stage; excluded members do not. */
  pinned: Use.default("hard"),
  excluded: Use.default("hard"),
  maxStages: Use.default("off"),
  maxStageCount: z.int().min(1).max(1024).default(8),
  /** Predicted tokens per second are at least `minTokensPerSecond`. */
  speed: Use.default("off"),
  minTokensPerSecond: z.number().positive().default(1),
  /** Weights of the scores, scaled to a sum of 1. */
  scores: z
    .strictObject({
      compute: z.number().min(0).default(0.4),
      memory: z.number().min(0).default(0.3),
      network: z.number().min(0).default(0.15),
      thermal: z.number().min(0).default(0.1),
      bandwidth: z.number().min(0).default(0.05),
    })
    .prefault({}),
  /** A move must gain this fraction of the cost of a token; smaller gains are measurement error. */
  moveGain: z.number().min(0).max(1).default(0.15),
  /** A move must repay its loading time within this many tokens. */
  moveHorizonTokens: z.number().min(1).default(2000),
});
export type PlacementRules = z.infer<typeof PlacementRules>;

export const DEFAULT_PLACEMENT_RULES: PlacementRules = PlacementRules.parse({});
