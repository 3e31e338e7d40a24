/**
 * Why layers run where they do, or cannot: reasons as data, with member ids, bytes, and milliseconds.
 * The solver makes them, events and HTTP responses carry them, and `words/placement` renders them.
 */
import { z } from "zod";
import { Failure } from "./failure.ts";
import { kind } from "./failure-schema.ts";
import { MemberId } from "./ids.ts";

export const ConstraintName = z.enum([
  "memory",
  "binding",
  "reachable",
  "precision",
  "battery",
  "pressure",
  "visibility",
  "pinned",
  "excluded",
  "maxStages",
  "speed",
]);
export type ConstraintName = z.infer<typeof ConstraintName>;

const Milliseconds = z.number();
const Bytes = z.number();
/** A part of a whole, 0 to 1. */
const Fraction = z.number();

/** How a member breaks a constraint that concerns only itself. */
export const Breach = z.discriminatedUnion("kind", [
  kind("missing_features", { features: z.array(z.string()), quantization: z.string() }),
  kind("low_battery", { level: Fraction, limit: Fraction }),
  kind("under_pressure", { pressure: z.enum(["nominal", "fair", "serious", "critical"]) }),
  /** `ratio`: step time now over the member's normal step time. */
  kind("throttled", { ratio: z.number(), limit: z.number() }),
  /** The ratio will exceed the limit in `inMs`, on its way to `ratio`. */
  kind("throttles_soon", { ratio: z.number(), limit: z.number(), inMs: z.number() }),
  kind("hidden_tab", {}),
  kind("excluded", {}),
  /** Its layers failed `count` times, with no complete answer in between. */
  kind("failed", { count: z.int(), cause: Failure }),
]);
export type Breach = z.infer<typeof Breach>;

/** A constraint that a member breaks: it takes no shard (`hard`) or adds a penalty to the cost. */
export const BrokenRule = z.strictObject({
  member: MemberId,
  constraint: ConstraintName,
  hard: z.boolean(),
  breach: Breach,
});
export type BrokenRule = z.infer<typeof BrokenRule>;

/** A constraint that given stages violate. */
export const Violation = z.discriminatedUnion("kind", [
  kind("gap_or_overlap", { member: MemberId, first: z.int(), expectedFirst: z.int() }),
  kind("no_layers", { member: MemberId }),
  kind("two_stages", { member: MemberId }),
  kind("wrong_layer_count", { end: z.int(), layers: z.int() }),
  kind("too_many_stages", { stages: z.int(), maxStages: z.int() }),
  kind("unknown_member", { member: MemberId }),
  kind("excluded", { member: MemberId }),
  kind("memory", { member: MemberId, shortBytes: Bytes }),
  kind("binding", { member: MemberId, shortBytes: Bytes }),
  kind("pinned_to_other_layers", { member: MemberId, first: z.int(), end: z.int() }),
  kind("pinned_but_unused", { member: MemberId }),
  kind("unreachable", { member: MemberId, to: MemberId }),
  kind("too_slow", { costMs: Milliseconds, maxCostMs: Milliseconds }),
]);
export type Violation = z.infer<typeof Violation>;

/** A change that would make an infeasible problem feasible. */
export const Remedy = z.discriminatedUnion("kind", [
  kind("add_member", { freeBytes: Bytes }),
  kind("shrink_weights", { byFraction: Fraction }),
  kind("shrink_cache", { byFraction: Fraction }),
  kind("add_links", {
    /** The first few of the missing links. */
    links: z.array(z.strictObject({ from: MemberId, to: MemberId })),
    missing: z.int(),
  }),
  kind("raise_max_stages", { maxStages: z.int() }),
  kind("unpin", { members: z.array(MemberId) }),
  kind("include", { members: z.array(MemberId) }),
  kind("larger_bindings", {}),
  /** The best placement costs `bestMs`: the limit must be above it. */
  kind("raise_max_cost", { bestMs: Milliseconds }),
  kind("faster_members_or_links", {}),
]);
export type Remedy = z.infer<typeof Remedy>;

/** Why a problem was neither solved nor proven infeasible. */
export const UnknownCause = z.discriminatedUnion("kind", [
  kind("deadline", {}),
  /** The best placement found by the deadline exceeds the room's limit on cost. */
  kind("deadline_with_slow_placement", { bestMs: Milliseconds }),
  kind("greedy_rules_failed", {}),
]);
export type UnknownCause = z.infer<typeof UnknownCause>;

/** Why a model was not placed. */
export const Refusal = z.discriminatedUnion("kind", [
  kind("no_computing_member", {}),
  kind("infeasible", {
    model: z.string(),
    binds: ConstraintName,
    /** Missing bytes where memory binds; otherwise 0. */
    shortBytes: Bytes,
    remedies: z.array(Remedy),
    brokenRules: z.array(BrokenRule),
  }),
  kind("unknown", { model: z.string(), cause: UnknownCause }),
]);
export type Refusal = z.infer<typeof Refusal>;

/** Why the greedy rules answered in place of the solver. */
export const SolverFailure = z.discriminatedUnion("kind", [
  kind("timeout", { afterMs: Milliseconds }),
  kind("error", { message: z.string() }),
  kind("unknown", { cause: UnknownCause }),
]);
export type SolverFailure = z.infer<typeof SolverFailure>;

/** How a placement was chosen. */
export const Choice = z.discriminatedUnion("kind", [
  kind("proven_optimal", {}),
  kind("best_found_in_time", {}),
  kind("greedy", { failure: SolverFailure }),
]);
export type Choice = z.infer<typeof Choice>;

/** Whether the proposed placement replaces the one that runs, by cost alone. */
export const MoveReason = z.discriminatedUnion("kind", [
  kind("nothing_runs", {}),
  kind("violates", { violation: Violation }),
  kind("already_best", {}),
  kind("gain_below_threshold", {
    gainMs: Milliseconds,
    currentMs: Milliseconds,
    minGainFraction: Fraction,
  }),
  kind("load_not_repaid", {
    gainMs: Milliseconds,
    currentMs: Milliseconds,
    bytesToLoad: Bytes,
    /** null when no number of tokens repays it. */
    repaidAfterTokens: z.int().nullable(),
    horizonTokens: z.number(),
  }),
  kind("gain_repays_load", {
    gainMs: Milliseconds,
    currentMs: Milliseconds,
    bytesToLoad: Bytes,
    repaidAfterTokens: z.int(),
  }),
]);
export type MoveReason = z.infer<typeof MoveReason>;

/** What proposed a placement. */
export type CandidateOrigin =
  | { readonly kind: "solver" | "current" | "greedy" | "draft" }
  /** One of `points` trade-offs between latency and throughput, from 1 on; 1 is the fastest. */
  | { readonly kind: "pareto_front"; readonly point: number; readonly points: number }
  | { readonly kind: "runner_up"; readonly rank: number }
  | { readonly kind: "single_member"; readonly member: MemberId };
