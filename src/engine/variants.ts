/**
 * Which variant of each kernel a shard runs: a first guess from what the device
 * can do, never from a vendor's name; the tuner may replace the matrices' choice.
 */
import { fitsSubgroups, type AttentionVariant, type Halves } from "../kernels/attention.ts";
import type { AttentionShape } from "../kernels/attention-shape.ts";
import { acceptsInt8, type Activations } from "../kernels/mat.ts";
import type { MatVariant } from "../kernels/mat-source.ts";
import { firstVariant, type Workload } from "../kernels/mat-variants.ts";
import type { QuantizeVariant } from "../kernels/quantize-rows.ts";
import type { ShaderFeatures } from "../kernels/runner-device.ts";
import type { BlockFormat } from "../tensor/block-format.ts";

export type ProductVariant = { readonly activations: Activations; readonly variant: MatVariant };

export type EngineVariants = {
  /** How matrices of a format are multiplied; `mayRound` allows int8 activations. */
  readonly mat: (format: BlockFormat, workload: Workload, mayRound: boolean) => ProductVariant;
  readonly quantize: QuantizeVariant;
  readonly decodeAttention: AttentionVariant;
  readonly prefillAttention: AttentionVariant;
  /** Positions of a split when one is not enough, and how many one takes without splitting. */
  readonly splitPositions: number;
  readonly unsplitPositions: number;
  /** Each segment of the cache repeats attention's inner loop, which software adapters compile slowly. */
  readonly cacheSegments: number;
  /** Threads that share a row of logits. */
  readonly sampleChunks: number;
};

/** Measured once for a device. `narrow`: few threads at a time and dear barriers, as on software adapters. */
export type DeviceTraits = { readonly narrow: boolean; readonly halves: Halves };

export function firstVariants(
  features: ShaderFeatures,
  { narrow, halves }: DeviceTraits,
  shape: Pick<AttentionShape, "headSize">,
): EngineVariants {
  const mat: EngineVariants["mat"] = (format, workload, mayRound) => {
    // Where a subgroup is a CPU's register, floats by quads are the fastest by far.
    const quads = narrow && features.subgroups;
    const activations = mayRound && acceptsInt8(format) && !quads ? "int8" : "float";
    return {
      activations,
      variant: firstVariant(workload, activations, features, narrow, format),
    };
  };
  if (!narrow) {
    const workgroup = {
      kind: "workgroup",
      block: 1,
      halves: "builtin",
      workgroupSize: 64,
    } as const;
    return {
      mat,
      quantize: "workgroup",
      decodeAttention: { ...workgroup, fused: true },
      prefillAttention: { ...workgroup, fused: false },
      splitPositions: 256,
      unsplitPositions: 512,
      cacheSegments: 4,
      sampleChunks: 256,
    };
  }
  const { subgroups, subgroupMinSize, subgroupMaxSize } = features;
  const fourLanes =
    subgroups && subgroupMinSize === 4 && subgroupMaxSize === 4 && fitsSubgroups(shape);
  const threads = { kind: "threads", block: 2, halves, workgroupSize: 8 } as const;
  return {
    mat,
    quantize: "threads",
    decodeAttention: fourLanes
      ? { kind: "lanes", block: 2, halves, workgroupSize: 4, fused: true }
      : { ...threads, fused: true },
    prefillAttention: fourLanes
      ? { kind: "quads", block: 1, halves, workgroupSize: 4, fused: false }
      : { ...threads, fused: false },
    splitPositions: fourLanes ? 256 : 64,
    unsplitPositions: fourLanes ? 256 : 96,
    cacheSegments: 2,
    sampleChunks: 64,
  };
}
