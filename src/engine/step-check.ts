/** Rejects steps that the GPU would silently compute wrongly. Pure. */
import { maxSamples } from "./memory-plan.ts";
import type { Shard, StepRow } from "./types.ts";

/**
 * Throws a `RangeError` that names the row: a bug of the caller. `earlierSamples` counts the samples
 * of the previous step, which rows may take their tokens from.
 */
export function checkStep(
  { description: shard, options, maxRows }: Pick<Shard, "description" | "options" | "maxRows">,
  rows: readonly StepRow[],
  hidden: Float32Array | null,
  earlierSamples: number,
): void {
  if (rows.length === 0 || rows.length > maxRows) {
    throw new RangeError(`a step has 1 to ${maxRows} rows, not ${rows.length}`);
  }
  const sampled = rows.filter(({ sample }) => sample !== null).length;
  if (sampled > maxSamples(options)) {
    throw new RangeError(`a step samples ${maxSamples(options)} rows at most, not ${sampled}`);
  }
  const wanted = shard.embedding === null ? rows.length * shard.model.hidden : 0;
  if (wanted > 0 && hidden?.length !== wanted) {
    throw new RangeError(
      `a step of ${rows.length} rows needs ${wanted} hidden numbers, not ${hidden?.length}`,
    );
  }
  const last = new Map<number, number>();
  rows.forEach(({ sequence, position, token, sample }, i) => {
    if (!(sequence >= 0 && sequence < options.sequences)) {
      throw new RangeError(`row ${i}: sequence ${sequence} is not below ${options.sequences}`);
    }
    if (!(position >= 0 && position < options.contextTokens)) {
      throw new RangeError(`row ${i}: position ${position} is not below ${options.contextTokens}`);
    }
    const before = last.get(sequence);
    if (before !== undefined && position !== before + 1) {
      throw new RangeError(`row ${i}: position ${position} does not follow ${before}`);
    }
    last.set(sequence, position);
    const [what, index, count] =
      typeof token === "number"
        ? ["token", token, shard.model.vocabulary]
        : ["sample", token.earlierSample, earlierSamples];
    if (shard.embedding !== null && !(index >= 0 && index < count)) {
      throw new RangeError(`row ${i}: there is no ${what} ${index}, of ${count}`);
    }
    if (sample !== null && shard.head === null) {
      throw new RangeError(`row ${i}: only the last stage samples`);
    }
  });
}
