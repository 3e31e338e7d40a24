/**
 * The attention kernels that a device may run, a first guess among them from the device's measured
 * traits, and how the decoding kernel splits a row's positions. Which is fastest is measured (by the
 * tuner), never read from a name. Pure.
 */
import { fitsSubgroups, type AttentionVariant } from "./attention.ts";
import type { AttentionShape } from "./attention-shape.ts";
import type { DeviceTraits, Float16Unpack, ShaderFeatures } from "../core/device.ts";

/** Steps with one row for each sequence, and steps whose rows attend to each other. */
export const ATTENTION_USES = ["decode", "prefill"] as const;
export type AttentionUse = (typeof ATTENTION_USES)[number];

/** Steps with more rows do not split positions: there are partial results for this many. */
export const SPLIT_ROWS = 8;
export const MAX_SPLITS = 16;

type HeadSize = Pick<AttentionShape, "headSize">;

/** All variants worth measuring, the likeliest of a device with low parallelism first. */
export function attentionCandidates(
  use: AttentionUse,
  shape: HeadSize,
  { subgroups, subgroupMinSize, subgroupMaxSize }: ShaderFeatures,
  unpack: Float16Unpack,
): readonly AttentionVariant[] {
  const fourLanes =
    subgroups && subgroupMinSize === 4 && subgroupMaxSize === 4 && fitsSubgroups(shape);
  const fused = use === "decode";
  const quad: AttentionVariant = fused
    ? { kind: "lanes", block: 2, unpack, workgroupSize: 4, fused }
    : { kind: "quads", block: 1, unpack, workgroupSize: 4, fused };
  return [
    ...(fourLanes ? [quad] : []),
    { kind: "threads", block: 2, unpack, workgroupSize: 8, fused },
    { kind: "workgroup", block: 1, unpack: "builtin", workgroupSize: 64, fused },
  ];
}

/** Correct everywhere and good enough to start with: no workgroup memory where parallelism is low. */
export function firstAttention(
  use: AttentionUse,
  shape: HeadSize,
  features: ShaderFeatures,
  { lowParallelism, float16Unpack }: DeviceTraits,
): AttentionVariant {
  const candidates = attentionCandidates(use, shape, features, float16Unpack);
  return candidates.find(({ kind }) => (kind !== "workgroup") === lowParallelism)!;
}

/** Short, and unique among the candidates of a use. */
export const attentionName = ({ kind }: AttentionVariant) => kind;

/** Positions of a split, and the largest number of positions that is not split. */
type Splitting = { readonly splitPositions: number; readonly unsplitPositions: number };

/** Threads without workgroups need many splits to keep a few cores busy. */
const SPLITTING: Record<AttentionVariant["kind"], Splitting> = {
  threads: { splitPositions: 64, unsplitPositions: 96 },
  lanes: { splitPositions: 256, unsplitPositions: 256 },
  quads: { splitPositions: Infinity, unsplitPositions: Infinity },
  workgroup: { splitPositions: 256, unsplitPositions: 512 },
};

/** How a step's positions are split, for its uniform; `longest` is its longest context. */
export function splitsOf(
  variant: AttentionVariant,
  rows: number,
  longest: number,
): { splits: number; splitPositions: number } {
  const { splitPositions, unsplitPositions } = SPLITTING[variant.kind];
  if (!variant.fused || rows > SPLIT_ROWS || longest <= unsplitPositions) {
    return { splits: 1, splitPositions: longest };
  }
  const splits = Math.min(MAX_SPLITS, Math.ceil(longest / splitPositions));
  return { splits, splitPositions: Math.ceil(longest / splits) };
}
