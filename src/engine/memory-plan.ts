/**
 * The bytes that a shard will need, before anything is allocated, so that a lack of memory is found
 * here and not by a lost device. Pure.
 */
import {
  type AttentionShape,
  MAX_SAMPLES,
  maxSplits,
  sampleBufferBytes,
} from "../kernels/index.ts";
import type { ShardDescription } from "../model/index.ts";
import { EngineError } from "./engine-error.ts";
import { shardWeightBytes } from "./layer-weights.ts";
import type { ShardOptions } from "./types.ts";
import {
  kvBytesPerToken,
  scratchBytes,
  scratchSizes,
  type ShardBytes,
  totalBytes,
} from "../shared/index.ts";

export type MemoryPlan = ShardBytes & {
  /** The largest single buffer other than weights, which are split by rows. */
  readonly largestBufferBytes: number;
};

export function planMemory(
  shard: ShardDescription,
  options: ShardOptions,
  shape: AttentionShape,
  maxRows: number,
): MemoryPlan {
  const { model, layers } = shard;
  const { vocabulary, rope } = model;
  const positions = shape.segmentStarts.at(-1)!;
  const starts = shape.segmentStarts;
  const longestSegment = Math.max(...starts.slice(1).map((end, i) => end - starts[i]!));
  const sample =
    shard.head === null ? [0] : Object.values(sampleBufferBytes(vocabulary, maxSamples(options)));
  /** Of all sequences, in one layer. */
  const positionBytes = kvBytesPerToken(model) * options.sequences;
  const use = { rows: maxRows, positions, splits: maxSplits(shape), answers: 0 };
  const scratch = scratchBytes(scratchSizes(model), use);
  return {
    weightBytes: shardWeightBytes(shard),
    cacheBytes: layers.length * positions * positionBytes,
    scratchBytes: sample.reduce((sum, bytes) => sum + bytes, scratch),
    largestBufferBytes: Math.max(
      longestSegment * positionBytes,
      positions * rope.dims * 4,
      ...sample,
    ),
  };
}

/** Rows of one step whose next token may be wanted. */
export function maxSamples({ sequences }: ShardOptions): number {
  return Math.min(sequences, MAX_SAMPLES);
}

/** Whether a plan stays within the bytes that the shard may use. */
export function fits(plan: MemoryPlan, { memoryBudgetBytes }: ShardOptions): boolean {
  return totalBytes(plan) <= memoryBudgetBytes;
}

/** Throws an `EngineError` if the memory or a binding is too small. */
export function checkMemory(plan: MemoryPlan, options: ShardOptions, limits: GPUSupportedLimits) {
  const { weightBytes, cacheBytes, scratchBytes, largestBufferBytes: bufferBytes } = plan;
  const { memoryBudgetBytes: budgetBytes, contextTokens, sequences } = options;
  if (!fits(plan, options)) {
    const needed = { weightBytes, cacheBytes, scratchBytes };
    throw new EngineError({ reason: "gpu_memory_exceeded", ...needed, budgetBytes });
  }
  const maxBufferBytes = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  if (bufferBytes > maxBufferBytes) {
    const context = { contextTokens, sequences };
    throw new EngineError({
      reason: "gpu_buffer_too_large",
      ...context,
      bufferBytes,
      maxBufferBytes,
    });
  }
}
