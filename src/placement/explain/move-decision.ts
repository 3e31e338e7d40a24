/**
 * Whether a room moves its layers: only for a gain above a threshold, so that noise moves
 * nothing, that repays the time to load the bytes within a horizon of tokens.
 */
import { type MoveReason, sameStages, type Stage } from "../../shared/index.ts";
import type { FoundAnswer } from "../problem/answer.ts";
import { evaluatePlacement } from "../problem/evaluate.ts";
import type { Problem } from "../problem/problem.ts";

export type MoveOptions = {
  /** A gain below this fraction of the cost of a token moves nothing. */
  readonly gainShare: number;
  /** The gain must repay the loading within this many tokens. */
  readonly horizonTokens: number;
  /** How fast a member loads weights; members load in parallel. */
  readonly loadBytesPerMs: number;
};

export type MoveDecision = {
  readonly move: boolean;
  readonly reason: MoveReason;
  readonly currentMs: number | null;
  readonly proposedMs: number;
  /** Saved with each token; negative when the proposal is slower. */
  readonly gainMs: number;
  readonly bytesToLoad: number;
  /** The number of tokens after which the gain repays the loading; null if it never does. */
  readonly repaidAfterTokens: number | null;
};

/**
 * Whether to move from `current` (null when nothing runs) to `proposed`. A current placement that
 * violates a constraint, for example because a member left, always moves.
 */
export function decideMove(
  problem: Problem,
  current: readonly Stage[] | null,
  proposed: FoundAnswer,
  { gainShare, horizonTokens, loadBytesPerMs }: MoveOptions,
): MoveDecision {
  // Bytes to load count here, once, and not in the cost of a token as well.
  const plain = { ...problem, loadMsPerByte: 0 };
  const { costMs: proposedMs, shares } = evaluatePlacement(plain, proposed.stages);
  const bytesToLoad = shares.reduce((sum, { loadBytes }) => sum + loadBytes, 0);
  const common = { proposedMs, bytesToLoad };
  if (current === null)
    return {
      ...common,
      move: true,
      reason: { kind: "nothing_runs" },
      currentMs: null,
      gainMs: 0,
      repaidAfterTokens: null,
    };
  const now = evaluatePlacement(plain, current);
  const [violation] = now.violations;
  const gainMs = now.costMs - proposedMs;
  const loadMs = Math.max(0, ...shares.map(({ loadBytes }) => loadBytes)) / loadBytesPerMs;
  const repaidAfterTokens = gainMs > 0 ? Math.ceil(loadMs / gainMs) : null;
  const decided = (move: boolean, reason: MoveReason): MoveDecision => ({
    ...common,
    move,
    reason,
    currentMs: now.costMs,
    gainMs,
    repaidAfterTokens,
  });
  if (violation !== undefined) return decided(true, { kind: "violates", violation });
  if (sameStages(current, proposed.stages)) return decided(false, { kind: "already_best" });
  const gain = { gainMs, currentMs: now.costMs };
  if (gainMs < gainShare * now.costMs)
    return decided(false, { kind: "gain_below_threshold", ...gain, minGainFraction: gainShare });
  const load = { ...gain, bytesToLoad };
  if (repaidAfterTokens === null || repaidAfterTokens > horizonTokens)
    return decided(false, { kind: "load_not_repaid", ...load, repaidAfterTokens, horizonTokens });
  return decided(true, { kind: "gain_repays_load", ...load, repaidAfterTokens });
}
