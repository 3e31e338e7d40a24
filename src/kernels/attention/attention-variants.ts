/**
 * The attention kernels that a device may run by its measured traits, the likeliest first, and how
 * the decoding kernel splits a row's positions. Which is fastest is measured (by the tuner), never
 * read from a name. Pure.
 */
import { fitsSubgroups, type AttentionVariant } from "./attention.ts";
import type { AttentionShape } from "./attention-shape.ts";
import type { DeviceTraits, ShaderFeatures } from "../core/device.ts";

/** Steps with one row for each sequence, and steps whose rows attend to each other. */
export const ATTENTION_USES = ["decode", "prefill"] as const;
export type AttentionUse = (typeof ATTENTION_USES)[number];

/** Steps with more rows do not split positions: there are partial results for this many. */
export const SPLIT_ROWS = 8;

/** Where a step's positions are split, and into how many parts at most. */
type Splitting = {
  readonly splitPositions: number;
  readonly unsplitPositions: number;
  readonly maxSplits: number;
};

/**
 * Threads without workgroups need many splits to keep a few cores busy. On a GPU, parts of 128
 * positions win from about 512 on; 64 parts of each head fill any card.
 */
const SPLITTING: Record<AttentionVariant["kind"], Splitting> = {
  threads: { splitPositions: 64, unsplitPositions: 96, maxSplits: 16 },
  lanes: { splitPositions: 256, unsplitPositions: 256, maxSplits: 16 },
  quads: { splitPositions: Infinity, unsplitPositions: Infinity, maxSplits: 1 },
  workgroup: { splitPositions: 128, unsplitPositions: 512, maxSplits: 64 },
};

/** Parts of a row for which there are partial results in a context. */
export function maxSplits({ segmentStarts }: Pick<AttentionShape, "segmentStarts">): number {
  const parts = Object.values(SPLITTING).map(({ splitPositions, maxSplits }) =>
    Math.min(maxSplits, Math.ceil(segmentStarts.at(-1)! / splitPositions)),
  );
  return Math.max(...parts);
}

/** Threads of a workgroup on a GPU: a query head's at decode, and what to measure in a prompt. */
const GPU_THREADS = { decode: [256], prefill: [64, 128] };

type HeadSize = Pick<AttentionShape, "headSize">;

/** All variants worth measuring, the likeliest first. */
export function attentionCandidates(
  use: AttentionUse,
  shape: HeadSize,
  { subgroups, subgroupMinSize, subgroupMaxSize, maxInvocations }: ShaderFeatures,
  { lowParallelism, float16Unpack: unpack }: DeviceTraits,
): readonly AttentionVariant[] {
  const fused = use === "decode";
  if (!lowParallelism) {
    const subgroup = subgroups ? subgroupMinSize : 0;
    return GPU_THREADS[use].map((threads) => {
      const workgroupSize = Math.min(threads, maxInvocations);
      return { kind: "workgroup", block: 2, unpack: "builtin", workgroupSize, subgroup, fused };
    });
  }
  const fourLanes =
    subgroups && subgroupMinSize === 4 && subgroupMaxSize === 4 && fitsSubgroups(shape);
  const quad: AttentionVariant = fused
    ? { kind: "lanes", block: 2, unpack, workgroupSize: 4, fused }
    : { kind: "quads", block: 1, unpack, workgroupSize: 4, fused };
  return [
    ...(fourLanes ? [quad] : []),
    { kind: "threads", block: 2, unpack, workgroupSize: 8, fused },
  ];
}

/** Short, and unique among the candidates of a use. */
export const attentionName = ({ kind, workgroupSize }: AttentionVariant) =>
  kind === "workgroup" ? `${kind} of ${workgroupSize}` : kind;

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
