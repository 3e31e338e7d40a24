/**
 * Runs every kind of step of a first answer, since some drivers compile a pipeline only when it first
 * runs (lavapipe: for seconds). The first real steps overwrite what these write into the cache.
 */
import { GREEDY } from "../shared/index.ts";
import type { SampleRequest, Shard, StepRow } from "./types.ts";

/** Software adapters split the positions of such a row; the cache's first segment always holds it. */
const LONG_CONTEXT = 512;

/** Uses all sampling kernels. */
const ALL_SAMPLING: SampleRequest = {
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
    sample: description.head === null ? null : ALL_SAMPLING,
  });
  const prompt = [0, 1].map((position) => ({ ...row(0, position), sample: null }));
  // The last one is read back, after the others are done.
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
