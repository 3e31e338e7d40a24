/**
 * Corrects the cost model by measured laps: compares the time of each stage with its
 * prediction, and reports when a member's ratio has changed by more than noise.
 */
import { type Correction, NO_CORRECTION, correct } from "../../placement/index.ts";
import type { RoomEvent, MemberId, PlacementId, RoomState } from "../../shared/index.ts";
import { costOf, problemOf } from "./room-problem.ts";

type Corrected = Extract<RoomEvent, { type: "member_corrected" }>;

/** At least this share of a step is computation, however long a readback was measured to take. */
const MIN_COMPUTE_SHARE = 0.1;

export class LapCorrections {
  readonly #known = new Map<MemberId, Correction>();

  /** The events that result from laps of a placement: [laps][stages] ms of engine time. */
  take(
    state: RoomState,
    placement: PlacementId,
    laps: readonly (readonly number[])[],
  ): Corrected[] {
    const current = state.placement;
    if (current?.id !== placement) return [];
    const { problem } = problemOf(state, current.model, { corrected: false });
    const { shares } = costOf(problem, current.stages);
    return current.stages.flatMap(({ member }, stage): Corrected[] => {
      const share = shares[stage];
      const known = state.members.find(({ id }) => id === member);
      if (!share || !known) return [];
      const before = this.#before(member, known.costRatio ?? 1);
      const measured = laps.flatMap((lap) => (lap.length === shares.length ? lap[stage]! : []));
      const after = measured.reduce(
        (correction, ms) =>
          correct(
            correction,
            share.computeMs,
            Math.max(ms - share.stageMs, ms * MIN_COMPUTE_SHARE),
          ),
        before,
      );
      this.#known.set(member, after);
      return after.ratio === before.ratio
        ? []
        : [{ type: "member_corrected", member, costRatio: after.ratio }];
    });
  }

  /** The state's ratio counts: another coordinator may have set it, or a probe may have reset it. */
  #before(member: MemberId, ratio: number): Correction {
    const known = this.#known.get(member) ?? NO_CORRECTION;
    return known.ratio === ratio ? known : { ratio, recent: [] };
  }
}
