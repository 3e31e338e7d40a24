/**
 * The attention kernels that a device runs by its measured traits, never by its name, and how the
 * decoding kernel splits a row's positions. Pure.
 */
import { fitsSubgroups, type AttentionVariant } from "./attention.ts";
import { type AttentionShape, MAX_SPLITS } from "./attention-shape.ts";
import type { DeviceTraits, ShaderFeatures } from "../core/device.ts";

/** Steps with more rows do not split positions: there are partial results for this many. */
export const SPLIT_ROWS = 8;

/**
 * From how many positions on, into parts of how many, and into how many parts at most.
 *
 * Threads without workgroups need many splits to keep a few cores busy. On a GPU, parts of 128
 * positions win from about 512 on; 64 parts of each head fill any card.
 */
const SPLITTING = {
  threads: { splitPositions: 64, unsplitPositions: 96, maxSplits: 16 },
  lanes: { splitPositions: 256, unsplitPositions: 256, maxSplits: 16 },
  quads: { splitPositions: Infinity, unsplitPositions: Infinity, maxSplits: 1 },
  workgroup: { splitPositions: 128, unsplitPositions: 512, maxSplits: MAX_SPLITS },
} satisfies Record<AttentionVariant["kind"], unknown>;

/** Parts of a row for which there are partial results in a context. */
export function maxSplits({ segmentStarts }: Pick<AttentionShape, "segmentStarts">): number {
  const parts = Object.values(SPLITTING).map(({ splitPositions, maxSplits }) =>
    Math.min(maxSplits, Math.ceil(segmentStarts.at(-1)! / splitPositions)),
  );
  return Math.max(...parts);
}

/** Threads of a query head's workgroup on a GPU at decode, and of a key head's in a prompt. */
const GPU_THREADS = { decode: 256, prefill: 64 };

/** What has won for each use on adapters of this kind and with these features. */
export function attentionVariant(
  use: "decode" | "prefill",
  shape: Pick<AttentionShape, "headSize">,
  { subgroups, subgroupMinSize, subgroupMaxSize }: ShaderFeatures,
  { lowParallelism }: DeviceTraits,
): AttentionVariant {
  const fused = use === "decode";
  if (!lowParallelism) {
    const workgroupSize = GPU_THREADS[use];
    const subgroup = subgroups ? subgroupMinSize : 0;
    return { kind: "workgroup", block: 2, workgroupSize, subgroup, fused };
  }
  if (subgroups && subgroupMinSize === 4 && subgroupMaxSize === 4 && fitsSubgroups(shape)) {
    return fused
      ? { kind: "lanes", block: 2, workgroupSize: 4, fused }
      : { kind: "quads", block: 1, workgroupSize: 4, fused };
  }
  return { kind: "threads", block: 2, workgroupSize: 8, fused };
}

/** How a step's positions are split, for its uniform; `longest` is its longest context. */
export function splitsOf(
  variant: AttentionVariant,
  rows: number,
  longest: number,
): { splits: number; splitPositions: number } {
  const { splitPositions, unsplitPositions, maxSplits } = SPLITTING[variant.kind];
  if (!variant.fused || rows > SPLIT_ROWS || longest <= unsplitPositions) {
    return { splits: 1, splitPositions: longest };
  }
  const splits = Math.min(maxSplits, Math.ceil(longest / splitPositions));
  return { splits, splitPositions: Math.ceil(longest / splits) };
}
