/**
 * Whether what runs gives way to what the solver proposes. On top of what a move
 * gains and costs (`moving.ts`): stages that people chose stay while they can,
 * settings that are built into a loaded shard force a reload, and after a move
 * the room rests, so that it does not go to and fro. Pure.
 */
import { type FoundAnswer, type RoomProblem, decideMove } from "../placement/index.ts";
import { DEFAULT_PLACEMENT_RULES } from "../shared/placement-rules.ts";
import type { Decision, Placement, Settings } from "../shared/state.ts";
import { describeBrokenRule, describeMove } from "../words/index.ts";
import { costOf } from "./room-problem.ts";

export type Weighing = {
  readonly built: RoomProblem;
  readonly placement: Placement;
  readonly proposed: FoundAnswer;
  readonly settings: Settings;
  readonly loadBytesPerMs: number;
  /** Constraints that people broke knowingly when they chose the stages; see `violationsOf`. */
  readonly accepted: ReadonlySet<string>;
  /** What is loaded differs from what the settings ask for. */
  readonly reload: boolean;
  /** A move for gain alone has to wait. */
  readonly resting: boolean;
};

export type Weighed = Omit<Decision, "trigger" | "model"> & {
  /** It would move, but for the rest: look again. */
  readonly postponed: boolean;
};

const CHARGED = " These times include what soft rules charge.";
const NOT_LATENCY = " These times are of the room's objective, which is not the time of one token.";

export function weighMove(weighing: Weighing): Weighed {
  const { built, placement, proposed, settings, loadBytesPerMs, accepted } = weighing;
  const rules = settings.placementRules ?? DEFAULT_PLACEMENT_RULES;
  const move = decideMove(built.problem, placement.stages, proposed, {
    gainShare: rules.moveGain,
    horizonTokens: rules.moveHorizonTokens,
    loadBytesPerMs,
  });
  const numbers = {
    currentMs: finite(move.currentMs),
    proposedMs: finite(move.proposedMs),
    gainMs: finite(move.gainMs),
    bytesToLoad: move.bytesToLoad,
  };
  const notes = [
    rules.objective === "latency" ? "" : NOT_LATENCY,
    built.brokenRules.some(({ hard }) => !hard) ? CHARGED : "",
  ].join("");
  const withNotes = (reason: string) => (reason.includes(" ms") ? `${reason}${notes}` : reason);
  const stays = (reason: string, postponed = false): Weighed => ({
    ...numbers,
    outcome: "stays",
    reason: withNotes(reason),
    postponed,
  });
  const moves = (reason: string): Weighed => ({
    ...numbers,
    outcome: "moved",
    reason: withNotes(reason),
    postponed: false,
  });
  const moved = describeMove(move.reason, (id) => id);
  const byHand = placement.predictedMs === null;
  const broken = violationsOf(weighing).filter((key) => !(byHand && accepted.has(key)));
  if (broken.length > 0)
    return moves(
      whyBroken(built, placement) ??
        (move.reason.kind === "violates" ? moved : "It must move: it breaks a rule."),
    );
  if (weighing.reload) return moves("It loads anew: the settings of what is loaded changed.");
  if (byHand) return stays(`It stays: its stages were chosen by hand.${wouldGain(move)}`);
  if (!move.move) return stays(moved);
  if (weighing.resting) {
    return stays(`It stays for now: the room moved a moment ago.${wouldGain(move)}`, true);
  }
  return moves(moved);
}

/** What the placement breaks, as keys: a constraint and a member. */
export function violationsOf({
  built,
  placement,
}: Pick<Weighing, "built" | "placement">): readonly string[] {
  return costOf(built.problem, placement.stages).violations.map(
    (violation) => `${violation.kind} ${"member" in violation ? violation.member : ""}`,
  );
}

/** What the members that it uses did to be kept out, such as an empty battery; null for nothing. */
function whyBroken({ brokenRules }: RoomProblem, { stages }: Placement): string | null {
  const reasons = brokenRules
    .filter(({ hard, member }) => hard && stages.some((stage) => stage.member === member))
    .map((rule) => describeBrokenRule(rule, (id) => id));
  return reasons.length === 0 ? null : `It must move: ${reasons.join(", and ")}.`;
}

function wouldGain({ gainMs, currentMs }: { gainMs: number; currentMs: number | null }): string {
  if (!(gainMs > 0) || currentMs === null || !Number.isFinite(gainMs)) return "";
  return ` The solver's would gain ${gainMs.toFixed(2)} ms of ${currentMs.toFixed(2)} ms a token.`;
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
