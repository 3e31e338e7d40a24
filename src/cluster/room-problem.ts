/**
 * The placement problem that a room poses now, for the coordinator's decisions
 * and every member's previews alike: the same state gives the same problem.
 *
 * Throttle ratios are read in coarse steps: a device that is briefly a little slower
 * is noise, and noise must not move layers.
 */
import {
  type Problem,
  type RoomProblem,
  evaluatePlacement,
  roomProblem,
} from "../placement/index.ts";
import type { ModelSummary, RoomState, Stage } from "../shared/index.ts";

/** Below this ratio, a device counts as being as fast as it measured. */
const NOISE_RATIO = 1.5;
/** Above it, ratios are rounded to powers of this factor. */
const STEP = 1.5;

export type ProblemOptions = {
  /** Whether what laps have shown corrects the cost model; true unless told otherwise. */
  readonly corrected?: boolean;
  /** How fast members load weights; with it, bytes to load count against a placement. */
  readonly loadBytesPerMs?: number;
};

export function problemOf(
  state: RoomState,
  model: ModelSummary,
  { corrected = true, loadBytesPerMs }: ProblemOptions = {},
): RoomProblem {
  const members = state.members.map((member) =>
    member.device === null
      ? member
      : {
          ...member,
          device: { ...member.device, throttleRatio: steadyRatio(member.device.throttleRatio) },
        },
  );
  const corrections = new Map(
    state.members.flatMap(({ id, costRatio }) => (costRatio ? [[id, costRatio] as const] : [])),
  );
  return roomProblem({ ...state, members }, model, {
    ...(corrected ? { corrections } : {}),
    ...(loadBytesPerMs === undefined ? {} : { loadBytesPerMs }),
  });
}

/** A throttle ratio without its noise: 1, or a power of the step. */
export function steadyRatio(ratio: number): number {
  if (ratio < NOISE_RATIO) return 1;
  return STEP ** Math.round(Math.log(ratio) / Math.log(STEP));
}

/** What `stages` cost: violations, and ms per token whatever the room's objective is. */
export function costOf(problem: Problem, stages: readonly Stage[]) {
  const plain = { ...problem, objective: "latency" as const, loadMsPerByte: 0 };
  const { violations, parts, shares, bottleneckMs } = evaluatePlacement(plain, stages);
  const msPerToken = parts.computeMs + parts.stageMs + parts.hopMs;
  return {
    violations,
    parts,
    shares,
    msPerToken: Number.isFinite(msPerToken) ? msPerToken : null,
    bottleneckMs: Number.isFinite(bottleneckMs) ? bottleneckMs : null,
  };
}
