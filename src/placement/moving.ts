/**
 * Whether a room moves its layers: only for a gain that repays, within a horizon
 * of tokens, the time in which the bytes load, and only for a gain above a
 * threshold, so that noise moves nothing. Says so either way.
 */
import type { AnswerStage, FoundAnswer } from "./answer.ts";
import { evaluatePlacement } from "./evaluate.ts";
import type { Problem } from "./problem.ts";

export type MoveOptions = {
  /** A gain below this share of the cost of a token moves nothing. */
  readonly gainShare: number;
  /** Tokens within which the loading must have repaid itself. */
  readonly horizonTokens: number;
  /** How fast a member loads weights; members load at the same time. */
  readonly loadBytesPerMs: number;
};

export type MoveDecision = {
  readonly move: boolean;
  /** One sentence for people, whichever way it went. */
  readonly reason: string;
  readonly currentMs: number | null;
  readonly proposedMs: number;
  /** Saved with each token; negative when the proposal is slower. */
  readonly gainMs: number;
  readonly bytesToLoad: number;
  /** After so many tokens the move has repaid itself; null when it never does. */
  readonly repaidAfterTokens: number | null;
};

/** Bytes that each member would load for `stages`, by what `held` ranges it has. */
export function bytesToLoad(problem: Problem, stages: readonly AnswerStage[]): Map<string, number> {
  const members = new Map(problem.members.map((member) => [member.id, member]));
  const loads = new Map<string, number>();
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
 * Whether to go from `current` (null when nothing runs) to `proposed`. A current
 * placement that breaks a constraint, such as a member that left, always moves.
 */
export function decideMove(
  problem: Problem,
  current: readonly AnswerStage[] | null,
  proposed: FoundAnswer,
  { gainShare, horizonTokens, loadBytesPerMs }: MoveOptions,
): MoveDecision {
  // Bytes to load are weighed here, once, and not in the cost of a token as well.
  const plain = { ...problem, loadMsPerByte: 0 };
  const proposedMs = evaluatePlacement(plain, proposed.stages).costMs;
  const loads = [...bytesToLoad(problem, proposed.stages).values()];
  const total = loads.reduce((sum, bytes) => sum + bytes, 0);
  const common = { proposedMs, bytesToLoad: total };
  if (current === null)
    return {
      ...common,
      move: true,
      reason: "Nothing runs yet.",
      currentMs: null,
      gainMs: 0,
      repaidAfterTokens: null,
    };
  const now = evaluatePlacement(plain, current);
  const broken = now.violations[0];
  const gainMs = now.costMs - proposedMs;
  const loadMs = Math.max(0, ...loads) / loadBytesPerMs;
  const repaidAfterTokens = gainMs > 0 ? Math.ceil(loadMs / gainMs) : null;
  const decided = { ...common, currentMs: now.costMs, gainMs, repaidAfterTokens };
  if (broken !== undefined)
    return { ...decided, move: true, reason: `It must move: ${broken.message}.` };
  if (isSame(current, proposed.stages))
    return { ...decided, move: false, reason: "What runs is still the best placement." };
  const gain = `${format(gainMs)} ms of ${format(now.costMs)} ms a token`;
  if (gainMs < gainShare * now.costMs)
    return {
      ...decided,
      move: false,
      reason: `It stays: moving would gain ${gain}, less than ${Math.round(gainShare * 100)} %.`,
    };
  if (repaidAfterTokens === null || repaidAfterTokens > horizonTokens)
    return {
      ...decided,
      move: false,
      reason: `It stays: moving would gain ${gain}, but loading ${megabytes(total)} repays itself only after ${repaidAfterTokens ?? "no number of"} tokens, beyond ${horizonTokens}.`,
    };
  return {
    ...decided,
    move: true,
    reason: `It moves: that gains ${gain} and repays loading ${megabytes(total)} after ${repaidAfterTokens} tokens.`,
  };
}

function isSame(a: readonly AnswerStage[], b: readonly AnswerStage[]): boolean {
  return (
    a.length === b.length &&
    a.every((stage, index) => {
      const other = b[index];
      return (
        stage.member === other?.member && stage.first === other.first && stage.end === other.end
      );
    })
  );
}

function format(ms: number): string {
  return ms.toFixed(2);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
