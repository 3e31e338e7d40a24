/**
 * Whether a room moves its layers: only for a gain above a threshold, so that noise moves
 * nothing, that repays the time to load the bytes within a horizon of tokens.
 */
import { type MemberId, type MoveReason, sameStages, type Stage } from "../../shared/index.ts";
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

/** Bytes that each member would load for `stages`, given the layers that it holds. */
export function bytesToLoad(problem: Problem, stages: readonly Stage[]): Map<MemberId, number> {
  const members = new Map(problem.members.map((member) => [member.id, member]));
  const loads = new Map<MemberId, number>();
  for (const { member, first, end } of stages) {
    const held = members.get(member)?.held;
    let bytes = 0;
    for (let layer = first; layer < end; layer++) {
      if (held !== undefined && layer >= held.first && layer < held.end) continue;
      bytes += problem.model.layers[layer]?.weightBytes ?? 0;
    }
    loads.set(member, bytes);
  }
  return loads;
}

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
  const proposedMs = evaluatePlacement(plain, proposed.stages).costMs;
  const loads = [...bytesToLoad(problem, proposed.stages).values()];
  const total = loads.reduce((sum, bytes) => sum + bytes, 0);
  const common = { proposedMs, bytesToLoad: total };
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
  const loadMs = Math.max(0, ...loads) / loadBytesPerMs;
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
  const load = { ...gain, bytesToLoad: total };
  if (repaidAfterTokens === null || repaidAfterTokens > horizonTokens)
    return decided(false, { kind: "load_not_repaid", ...load, repaidAfterTokens, horizonTokens });
  return decided(true, { kind: "gain_repays_load", ...load, repaidAfterTokens });
}
