/**
 * When the links of a pipeline must be measured again: the time that laps spend on the wire has moved
 * away from what their links predict. After a measurement, what then remains is taken as usual, such as
 * a machine that is always late to read, so that one difference leads to one measurement.
 */
import { MIN_LAPS } from "../../placement/index.ts";
import {
  isSameDirection,
  median,
  type MemberId,
  pipelineLinks,
  type RoomEvent,
  type RoomState,
} from "../../shared/index.ts";
import type { Laps } from "../membership/messages.ts";
import { costOf, problemOf } from "./room-problem.ts";

type Drifted = Extract<RoomEvent, { type: "links_drifted" }>;

/** Of the expected time; a link that is shared with other programs varies by less. */
const DRIFT_SHARE = 0.5;
/** A smaller difference changes no placement. */
const MIN_DRIFT_MS = 2;

export class LinkDrift {
  /** The pipeline of the last drift, and its time on the wire then. */
  #last = { pipeline: "", wireMs: 0 };

  /** The event that results from the laps of stage 0; none without a drift. */
  take(state: RoomState, from: MemberId, { placement: id, wireMs = [] }: Laps): Drifted[] {
    const { placement } = state;
    if (placement?.id !== id || placement.stages[0]?.member !== from) return [];
    const pairs = pipelineLinks(placement.stages);
    const links = pairs.map((pair) => state.links.find(isSameDirection(pair)));
    const isMeasured = links.every((link) => link !== undefined && link.drifted !== true);
    if (pairs.length === 0 || wireMs.length < MIN_LAPS || !isMeasured) return [];
    const { problem } = problemOf(state, placement.model);
    const predictedMs = costOf(problem, placement.stages).parts.hopMs;
    const measuredMs = median(wireMs);
    const pipeline = JSON.stringify([id, pairs]);
    const expectedMs = this.#last.pipeline === pipeline ? this.#last.wireMs : predictedMs;
    const driftMs = Math.abs(measuredMs - expectedMs);
    if (!(driftMs > Math.max(MIN_DRIFT_MS, DRIFT_SHARE * expectedMs))) return [];
    this.#last = { pipeline, wireMs: measuredMs };
    return [{ type: "links_drifted", links: pairs }];
  }
}
