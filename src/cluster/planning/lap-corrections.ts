/**
 * Corrects the cost model by measured laps: compares the time of each stage with its
 * prediction, and reports when a member's ratio has changed by more than noise.
 */
import { type Correction, MIN_LAPS, NO_CORRECTION, correct } from "../../placement/index.ts";
import {
  type MemberId,
  type RoomEvent,
  type RoomState,
  runAheadComputeMs,
} from "../../shared/index.ts";
import type { Laps } from "../membership/messages.ts";
import { costOf, problemOf } from "./room-problem.ts";

type Corrected = Extract<RoomEvent, { type: "member_corrected" }>;

/** At least this share of a step is computation, however long a readback was measured to take. */
const MIN_COMPUTE_SHARE = 0.1;

export class LapCorrections {
  readonly #known = new Map<MemberId, Correction>();

  /** The event that results from a member's own laps of a placement; none without news. */
  take(state: RoomState, from: MemberId, { placement, computeMs }: Laps): Corrected[] {
    const current = state.placement;
    const member = state.members.find(({ id }) => id === from);
    if (current?.id !== placement || member === undefined) return [];
    const { problem } = problemOf(state, current.model, { corrected: false });
    const stage = current.stages.findIndex((each) => each.member === from);
    const share = costOf(problem, current.stages).shares[stage];
    const readbackMs = problem.members.find(({ id }) => id === from)?.stageMs;
    if (share === undefined || readbackMs === undefined) return [];
    const computeOf = (ms: number) =>
      current.stages.length === 1 ? runAheadComputeMs(ms, readbackMs) : ms - readbackMs;
    const before = this.#before(from, member.costRatio ?? 1);
    const after = computeMs.reduce(
      (correction, ms) =>
        correct(correction, share.computeMs, Math.max(computeOf(ms), ms * MIN_COMPUTE_SHARE)),
      before,
    );
    this.#known.set(from, after);
    const isFirst = member.costRatio === undefined && after.recent.length >= MIN_LAPS;
    return after.ratio === before.ratio && !isFirst
      ? []
      : [{ type: "member_corrected", member: from, costRatio: after.ratio }];
  }

  /** The state's ratio counts: another coordinator may have set it, or a probe may have reset it. */
  #before(member: MemberId, ratio: number): Correction {
    const known = this.#known.get(member) ?? NO_CORRECTION;
    return known.ratio === ratio ? known : { ratio, recent: [] };
  }
}
