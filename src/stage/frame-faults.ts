/** What is wrong with a token frame of the last stage. Pure. */
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
