/**
 * The bytes that a shard will need, before anything is allocated: out of memory
 * is found here and told in bytes, not by a lost device. Pure.
 */
import {
  attentionOutputFloats,
  type AttentionShape,
  MAX_SAMPLES,
  MAX_SPLITS,
  sampleBufferBytes,
  SPLIT_ROWS,
} from "../kernels/index.ts";
import type { ShardDescription } from "../model/index.ts";
import { layerCacheBytes } from "./cache-plan.ts";
import { EngineError } from "./engine-error.ts";
import { shardWeightBytes } from "./layer-weights.ts";
import type { ShardMemory, ShardOptions } from "./types.ts";
import { totalBytes } from "../shared/index.ts";

export type MemoryPlan = ShardMemory & {
  /** The largest single buffer other than weights, which are split by rows. */
  readonly largestBufferBytes: number;
};

export function planMemory(
  shard: ShardDescription,
  options: ShardOptions,
  shape: AttentionShape,
  maxRows: number,
  variants: { readonly sampleChunks: number },
): MemoryPlan {
  const { model, layers } = shard;
  const { hidden, feedForward, heads, keyValueHeads, headSize, vocabulary } = model;
  const positions = shape.segmentStarts.at(-1)!;
  const starts = shape.segmentStarts;
  const longestSegment = Math.max(...starts.slice(1).map((end, i) => end - starts[i]!));
  const columns = (heads + 2 * keyValueHeads) * headSize;
  const quantised = (Math.max(hidden, feedForward, heads * headSize) * 5) / 16;
  const activations =
    maxRows * (2 * hidden + columns + heads * headSize + 2 * feedForward + quantised) * 4;
  const attention = attentionOutputFloats(shape, SPLIT_ROWS, MAX_SPLITS) * 4;
  const table = positions * model.rope.dims * 4;
  const sampling = { vocabulary, chunks: variants.sampleChunks };
  const sample =
    shard.head === null ? [0] : Object.values(sampleBufferBytes(sampling, maxSamples(options)));
  return {
    weightBytes: shardWeightBytes(shard),
    cacheBytes: layers.length * layerCacheBytes(model, options.sequences, positions),
    scratchBytes: activations + attention + table + sample.reduce((a, b) => a + b, 0),
    largestBufferBytes: Math.max(
      layerCacheBytes(model, options.sequences, longestSegment),
      table,
      ...sample,
    ),
  };
}

/** Rows of one step whose next token may be wanted. */
export function maxSamples({ sequences }: ShardOptions): number {
  return Math.min(sequences, MAX_SAMPLES);
}

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** Whether a plan keeps to the bytes that the shard may use. */
export function fits(plan: MemoryPlan, { memoryBudgetBytes }: ShardOptions): boolean {
  return totalBytes(plan) <= memoryBudgetBytes;
}

/** Throws an `EngineError` that says how many bytes short the memory or a binding is. */
export function checkMemory(plan: MemoryPlan, options: ShardOptions, limits: GPUSupportedLimits) {
  const { weightBytes, cacheBytes, scratchBytes, largestBufferBytes } = plan;
  const needed = totalBytes(plan);
  const { memoryBudgetBytes, contextTokens, sequences } = options;
  if (needed > memoryBudgetBytes) {
    throw new EngineError(
      "memory",
      `These layers need ${needed} bytes (weights ${mebibytes(weightBytes)}, context ${mebibytes(cacheBytes)}, ` +
        `working memory ${mebibytes(scratchBytes)}), ${needed - memoryBudgetBytes} more than the ` +
        `${memoryBudgetBytes} that this tab may use. Give it fewer layers, or ask for less context.`,
    );
  }
  const most = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  if (largestBufferBytes > most) {
    throw new EngineError(
      "memory",
      `A context of ${contextTokens} tokens for ${sequences} generations needs a buffer of ` +
        `${largestBufferBytes} bytes; this adapter's largest has ${most}, ${largestBufferBytes - most} ` +
        `fewer. Ask for less context or fewer generations.`,
    );
  }
}
