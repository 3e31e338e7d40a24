/**
 * What is wrong with a token frame of the last stage, or with rows of the previous one, and what follows
 * from a failure. Pure.
 */
import type { TokenFrame } from "../mesh/index.ts";
import type { StageFailure } from "../shared/index.ts";
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

/**
 * Whether every number is finite: `0 * x` is 0 for a finite x and NaN for every other. Four sums, so
 * that additions do not wait for each other. Measured: 10 us for a row of 4,096 numbers, half of what
 * copying it out of its frame takes, where a step of such a model takes 4 ms or more.
 */
export function allFinite(numbers: Float32Array): boolean {
  const { length } = numbers;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let index = 0;
  for (; index + 3 < length; index += 4) {
    a += 0 * numbers[index]!;
    b += 0 * numbers[index + 1]!;
    c += 0 * numbers[index + 2]!;
    d += 0 * numbers[index + 3]!;
  }
  for (; index < length; index += 1) a += 0 * numbers[index]!;
  return a + b + c + d === 0;
}
