/**
 * The solver's answer: `optimal` is proven, `feasible` is the best found with a proven bound,
 * `infeasible` is proven and says which constraint binds, `unknown` is neither found nor
 * disproved in the time allowed.
 */
import type { ConstraintName, Remedy, UnknownCause, Stage } from "../../shared/index.ts";

/** The addends of the cost of a token; `computeMs` is layers, embedding and head. */
export type CostParts = {
  readonly computeMs: number;
  readonly stageMs: number;
  readonly hopMs: number;
  /** What soft constraints add; absent where there are none. */
  readonly penaltyMs?: number;
  /** What loading bytes adds to the cost of a token; absent where nothing is charged. */
  readonly loadMs?: number;
};

type Found = {
  readonly name: string;
  readonly stages: readonly Stage[];
  /** The objective's value. */
  readonly costMs: number;
  readonly lowerBoundMs: number;
  readonly elapsedMs: number;
  readonly parts: CostParts;
  /** The slowest stage or transfer: the interval between tokens when many generations are in flight. */
  readonly bottleneckMs: number;
};

export type FoundAnswer =
  | (Found & { readonly kind: "optimal" })
  | (Found & {
      readonly kind: "feasible";
      /** `costMs / lowerBoundMs - 1`; null where no bound above 0 is proven. */
      readonly gap: number | null;
      /** Whether time ran out; the only way in which the clock changes an answer. */
      readonly deadlineHit: boolean;
    });

export type InfeasibleAnswer = {
  readonly kind: "infeasible";
  readonly name: string;
  readonly binds: ConstraintName;
  /** Missing bytes where memory binds; otherwise 0. */
  readonly shortBytes: number;
  readonly remedies: readonly Remedy[];
  readonly elapsedMs: number;
};

export type UnknownAnswer = {
  readonly kind: "unknown";
  readonly name: string;
  readonly cause: UnknownCause;
  readonly elapsedMs: number;
};

export type Answer = FoundAnswer | InfeasibleAnswer | UnknownAnswer;

/** Whether an answer has stages to run. */
export function isFound(answer: Answer): answer is FoundAnswer {
  return answer.kind === "optimal" || answer.kind === "feasible";
}
