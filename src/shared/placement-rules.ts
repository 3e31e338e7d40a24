/**
 * What people can change about placing: every constraint by itself, the
 * objective, the weights of the scores, and when a room moves its layers.
 *
 * A rule is `hard` (never broken), `soft` (costs `penaltyMs` a token where it is
 * broken), or `off`.
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
  /** What breaking a soft rule costs, ms a token and member. */
  penaltyMs: z.number().min(0).default(20),
  /** Weights, cache and scratch fit what is free. Off: the browser's own limit decides. */
  memory: Use.default("hard"),
  /** The largest tensor slice fits one GPU binding. */
  binding: Use.default("hard"),
  /** Neighbours, and the last with the first, have a measured link. Soft: a missing one is slow. */
  reachable: Use.default("hard"),
  /** Which WebGPU features a file's block format needs, by its name; empty for none. */
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
  /** Members that people pinned take part; members that they excluded do not. */
  pinned: Use.default("hard"),
  excluded: Use.default("hard"),
  maxStages: Use.default("off"),
  mostStages: z.int().min(1).max(1024).default(8),
  /** Predicted tokens per second are at least `slowestTokensPerSecond`. */
  speed: Use.default("off"),
  slowestTokensPerSecond: z.number().positive().default(1),
  /** Weights of the scores; they are scaled to a sum of 1. */
  scores: z
    .strictObject({
      compute: z.number().min(0).default(0.4),
      memory: z.number().min(0).default(0.3),
      network: z.number().min(0).default(0.15),
      thermal: z.number().min(0).default(0.1),
      bandwidth: z.number().min(0).default(0.05),
    })
    .prefault({}),
  /** A move must gain this share of the cost of a token: measurements are off by as much. */
  moveGain: z.number().min(0).max(1).default(0.15),
  /** ... and repay the bytes to load within so many tokens. */
  moveHorizonTokens: z.number().min(1).default(2000),
});
export type PlacementRules = z.infer<typeof PlacementRules>;

export const DEFAULT_PLACEMENT_RULES: PlacementRules = PlacementRules.parse({});
