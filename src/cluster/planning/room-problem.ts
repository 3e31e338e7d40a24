/**
 * The room's current placement problem, for the coordinator's decisions and for
 * previews on every member: the same state gives the same problem.
 */
import {
  type Problem,
  type RoomProblem,
  evaluatePlacement,
  roomProblem,
} from "../../placement/index.ts";
import type { ModelSummary, RoomState, Stage } from "../../shared/index.ts";
import { layerLimits } from "./layer-limits.ts";

export type ProblemOptions = {
  /** Whether measured laps correct the cost model; the default is true. */
  readonly corrected?: boolean;
  /** How fast members load weights. If given, the bytes to load add to the cost. */
  readonly loadBytesPerMs?: number;
};

export function problemOf(
  state: RoomState,
  model: ModelSummary,
  { corrected = true, loadBytesPerMs }: ProblemOptions = {},
): RoomProblem {
  const members = corrected
    ? state.members
    : state.members.map(({ costRatio: _ratio, ...member }) => member);
  return roomProblem({ ...state, members }, model, {
    loadBytesPerMs: loadBytesPerMs ?? null,
    maxLayers: layerLimits(state, model),
  });
}

/** Stages as a placement has them, with the predicted time of a token. */
export function predicted(problem: Problem, stages: readonly Stage[]) {
  return { stages: [...stages], predictedMs: costOf(problem, stages).msPerToken };
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
