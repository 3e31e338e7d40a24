/**
 * Whether the solver's proposal replaces the current placement. In addition to the gain
 * and cost of a move (`decideMove`): stages that a person chose stay while they can,
 * settings that are built into a loaded shard force a reload, and after a move there is
 * a cooldown, so that the room does not oscillate. Pure.
 */
import {
  decideMove,
  type FoundAnswer,
  type MoveDecision,
  type RoomProblem,
} from "../../placement/index.ts";
import {
  type Decision,
  type DecisionReason,
  type BrokenRule,
  DEFAULT_PLACEMENT_RULES,
  type Placement,
  type Settings,
} from "../../shared/index.ts";
import { builtWith, isBuiltAlike } from "./hand-over.ts";
import { costOf } from "./room-problem.ts";

export type Review = {
  readonly built: RoomProblem;
  readonly placement: Placement;
  readonly proposed: FoundAnswer;
  readonly settings: Settings;
  readonly loadBytesPerMs: number;
  /** Constraints that people violated knowingly when they chose the stages; see `violationsOf`. */
  readonly accepted: ReadonlySet<string>;
  /** A move for gain alone has to wait. */
  readonly coolingDown: boolean;
};

export type Verdict = Omit<Decision, "trigger" | "model" | "waitingAnswers"> & {
  /** It would move but for the cooldown: review it again afterwards. */
  readonly postponed: boolean;
};

export function decideReview(review: Review): Verdict {
  const { built, placement, proposed, settings, loadBytesPerMs, accepted } = review;
  const rules = settings.placementRules ?? DEFAULT_PLACEMENT_RULES;
  const move = decideMove(built.problem, placement.stages, proposed, {
    gainShare: rules.moveGain,
    horizonTokens: rules.moveHorizonTokens,
    loadBytesPerMs,
  });
  const verdict = (
    outcome: "moved" | "stays",
    reason: DecisionReason,
    postponed = false,
  ): Verdict => ({
    outcome,
    reason,
    postponed,
    currentMs: finite(move.currentMs),
    proposedMs: finite(move.proposedMs),
    gainMs: finite(move.gainMs),
    bytesToLoad: move.bytesToLoad,
    includesPenalties: built.brokenRules.some(({ hard }) => !hard),
    isTokenTime: rules.objective === "latency",
  });
  const isManual = placement.predictedMs === null;
  const violations = violationsOf(review).filter((key) => !(isManual && accepted.has(key)));
  if (violations.length > 0) return verdict("moved", whyItMustMove(review, move));
  if (!isBuiltAlike(placement, builtWith(settings, placement.model)))
    return verdict("moved", { kind: "settings_changed" });
  if (isManual) return verdict("stays", { kind: "manual_kept" });
  if (!move.move) return verdict("stays", { kind: "cost", move: move.reason });
  if (review.coolingDown) return verdict("stays", { kind: "cooldown" }, true);
  return verdict("moved", { kind: "cost", move: move.reason });
}

/** What the placement violates, as keys: a constraint and a member. */
export function violationsOf({
  built,
  placement,
}: Pick<Review, "built" | "placement">): readonly string[] {
  return costOf(built.problem, placement.stages).violations.map((violation) =>
    JSON.stringify([violation.kind, "member" in violation ? violation.member : null]),
  );
}

/** The rules that its members violate, such as a low battery, or else the reason by cost. */
function whyItMustMove({ built, placement }: Review, move: MoveDecision): DecisionReason {
  const brokenRules: BrokenRule[] = built.brokenRules.filter(
    ({ hard, member }) => hard && placement.stages.some((stage) => stage.member === member),
  );
  return brokenRules.length > 0
    ? { kind: "rules_violated", brokenRules }
    : { kind: "cost", move: move.reason };
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
