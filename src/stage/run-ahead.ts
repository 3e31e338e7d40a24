/**
 * Which rows a shard of all layers may compute before their tokens have been read. The GPU then never
 * waits for a readback (a few milliseconds in Chromium, more than a small model's step). Pure.
 */
import type { Generation } from "./generations.ts";
import type { Work } from "./work-queue.ts";

/** A generation, and the sample of the previous step that is its next token. */
export type AheadRow = { readonly generation: Generation; readonly earlierSample: number };

/**
 * The generations of the step just submitted that continue whatever it samples, unless that is an end
 * token: then the row is computed for nothing. Penalties need the token itself.
 */
export function rowsAhead(batch: readonly Work[], contextTokens: number): AheadRow[] {
  let samples = 0;
  return batch.flatMap(({ generation, position, count }) => {
    const next = position + count;
    const sampled = Math.max(0, next - Math.max(position, generation.promptLength - 1));
    samples += sampled;
    return sampled > 0 && generation.continuesAt(next, contextTokens)
      ? [{ generation, earlierSample: samples - 1 }]
      : [];
  });
}
