/** What is wrong with a token frame of the last stage, or with rows of the previous one. Pure. */
import type { TokenFrame } from "../mesh/index.ts";
import type { StageFailure } from "../shared/index.ts";
import { allFinite } from "./finite.ts";
import type { PipelinePosition } from "./pipeline-position.ts";

/** `expected` is the position of the next token. null if nothing is wrong. */
export function faultOfToken(
  { pipeline, last }: PipelinePosition,
  { position, token, top }: TokenFrame,
  expected: number,
): StageFailure | null {
  const { stages, vocabulary } = pipeline;
  const sender = { stage: stages.length - 1, member: last };
  if (position !== expected) return { reason: "position_not_next", ...sender, position, expected };
  const unknown = [token, ...top.map((entry) => entry.token)].find((id) => id >= vocabulary);
  if (unknown === undefined) return null;
  return { reason: "token_unknown", ...sender, token: unknown, vocabulary };
}

/** Why these rows cannot be computed on; `wanted` is the next position and the model's hidden size. */
export function faultOfRows(
  { index, previous, pipeline }: PipelinePosition,
  rows: {
    readonly position: number;
    readonly count: number;
    readonly width: number;
    readonly hidden: Float32Array;
  },
  wanted: { readonly position: number; readonly width: number },
): StageFailure | null {
  const { position, count, width, hidden } = rows;
  const sender = { stage: index - 1, member: previous! };
  if (position !== wanted.position)
    return { reason: "position_not_next", ...sender, position, expected: wanted.position };
  const fits = position + count <= pipeline.contextTokens;
  if (width !== wanted.width || !fits) return { reason: "hidden_state_mismatch", ...sender };
  return allFinite(hidden) ? null : { reason: "hidden_state_not_finite", ...sender };
}
