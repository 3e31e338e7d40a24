/**
 * What placing answers: `optimal` is proven, `feasible` is the best found with a
 * proven bound, `infeasible` is proven and says what binds, `unknown` is neither
 * found nor disproved in the time allowed.
 */
import { z } from "zod";

export const AnswerStage = z.object({
  member: z.string(),
  first: z.int().min(0),
  end: z.int().min(1),
});
export type AnswerStage = z.infer<typeof AnswerStage>;

/** The addends of the cost of a token; `computeMs` is layers, embedding and head. */
export const CostParts = z.object({
  computeMs: z.number(),
  stageMs: z.number(),
  hopMs: z.number(),
  /** What soft constraints charge; absent where there are none. */
  penaltyMs: z.number().optional(),
  /** What loading bytes adds to the cost of a token; absent where nothing is charged. */
  loadMs: z.number().optional(),
});
export type CostParts = z.infer<typeof CostParts>;

const found = {
  name: z.string(),
  stages: z.array(AnswerStage),
  /** The objective's value. */
  costMs: z.number(),
  lowerBoundMs: z.number(),
  elapsedMs: z.number(),
  parts: CostParts,
  /** The largest stage or transfer: the time between two answers' tokens when many are in flight. */
  bottleneckMs: z.number(),
};

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

export const Answer = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("optimal"), ...found }),
  z.object({
    kind: z.literal("feasible"),
    ...found,
    /** `costMs / lowerBoundMs - 1`; null where nothing above 0 is proven. */
    gap: z.number().nullable(),
    /** Whether time ran out; the only way in which the clock changes an answer. */
    deadlineHit: z.boolean(),
  }),
  z.object({
    kind: z.literal("infeasible"),
    name: z.string(),
    binds: ConstraintName,
    /** Missing bytes where memory binds, otherwise 0. */
    shortBytes: z.number(),
    wouldHelp: z.array(z.string()),
    elapsedMs: z.number(),
  }),
  z.object({
    kind: z.literal("unknown"),
    name: z.string(),
    message: z.string(),
    elapsedMs: z.number(),
  }),
]);
export type Answer = z.infer<typeof Answer>;

export type FoundAnswer = Extract<Answer, { kind: "optimal" | "feasible" }>;
export type InfeasibleAnswer = Extract<Answer, { kind: "infeasible" }>;

/** Whether an answer has stages to run. */
export function isFound(answer: Answer): answer is FoundAnswer {
  return answer.kind === "optimal" || answer.kind === "feasible";
}
