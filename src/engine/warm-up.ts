/**
 * Runs every kind of step that a first answer has, so that it does not wait for what a
 * driver puts off until a pipeline first runs (lavapipe: seconds). What the steps write
 * into the cache is overwritten by the first real ones.
 */
import { GREEDY } from "../shared/index.ts";
import type { SampleRequest, Shard, StepRow } from "./types.ts";

/** Narrow devices split the positions of such a row; the cache's first segment holds it always. */
const LONG_CONTEXT = 512;

/** All kernels of sampling have something to do. */
const EVERYTHING: SampleRequest = {
  sampling: {
    ...GREEDY,
    temperature: 1,
    topK: 40,
    topP: 0.9,
    minP: 0.01,
    repetitionPenalty: 1.1,
    penaltyTokens: 1,
    topLogprobs: 1,
  },
  random: 0.5,
  recentTokens: Uint32Array.of(0),
};

export async function warmUp(shard: Shard): Promise<void> {
  const { description, options } = shard;
  const { contextTokens } = options;
  const row = (sequence: number, position: number): StepRow => ({
    sequence,
    position,
    token: 0,
    sample: description.head === null ? null : EVERYTHING,
  });
  const prompt = [0, 1].map((position) => ({ ...row(0, position), sample: null }));
  // The last one is read back, so the others are done when it is.
  const steps = [
    ...(contextTokens > 1 ? [prompt] : []),
    [row(0, Math.min(contextTokens, LONG_CONTEXT) - 1)],
  ];
  const { hidden } = description.model;
  for (const rows of steps) {
    const input = description.embedding === null ? new Float32Array(rows.length * hidden) : null;
    await shard.step(rows, input);
  }
}
