/**
 * Which rows a shard of all layers may compute before their tokens have been read, and how many steps
 * may be in flight. The GPU then never waits for a readback (a few milliseconds in Chromium, more than
 * a small model's step). Pure.
 */
import type { Generation } from "./generations.ts";
import type { Work } from "./work-queue.ts";

/** More gained nothing on the card that was measured (docs/performance). */
const MAX_STEPS = 4;
/** Work in flight, which a new prompt or the end of an answer has to wait for. */
const MAX_IN_FLIGHT_MS = 40;

/** Steps in flight at once, from the time of the last one: one where steps take long. */
export function stepsInFlight(stepMs: number): number {
  return Math.max(1, Math.min(MAX_STEPS, Math.floor(MAX_IN_FLIGHT_MS / stepMs)));
}

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
