/**
 * Which variant of each kernel a shard runs: a first guess from what the device can do, never from a
 * vendor's name. A tuner may replace it.
 */
import type { BlockFormat } from "../tensor/index.ts";
import type { AttentionVariant } from "./attention/attention.ts";
import type { AttentionShape } from "./attention/attention-shape.ts";
import { attentionVariant } from "./attention/attention-variants.ts";
import {
  acceptsInt8,
  type Activations,
  type MatVariant,
  type Workload,
} from "./matmul/mat-variant.ts";
import { matCandidates } from "./matmul/mat-candidates.ts";
import type { DeviceTraits, ShaderFeatures } from "./core/device.ts";

export type ProductVariant = { readonly activations: Activations; readonly variant: MatVariant };

export type KernelVariants = {
  /** How matrices of a format are multiplied; `mayRound` allows int8 activations. */
  readonly mat: (format: BlockFormat, workload: Workload, mayRound: boolean) => ProductVariant;
  /** A layer's norms: folded into the float products, or dispatches of their own. */
  readonly norms: "folded" | "separate";
  readonly decodeAttention: AttentionVariant;
  readonly prefillAttention: AttentionVariant;
};

export function firstVariants(
  features: ShaderFeatures,
  traits: DeviceTraits,
  shape: Pick<AttentionShape, "headSize">,
): KernelVariants {
  const { lowParallelism } = traits;
  const mat: KernelVariants["mat"] = (format, workload, mayRound) => {
    // Where a subgroup is a CPU's register, floats by quads are the fastest by far.
    const quads = lowParallelism && features.subgroups;
    const activations = mayRound && acceptsInt8(format) && !quads ? "int8" : "float";
    const [variant] = matCandidates(workload, activations, features, lowParallelism, format);
    return { activations, variant: variant! };
  };
  return {
    mat,
    norms: lowParallelism ? "folded" : "separate",
    decodeAttention: attentionVariant("decode", shape, features, traits),
    prefillAttention: attentionVariant("prefill", shape, features, traits),
  };
}

/** The same, but rows of a batch are multiplied one by one, until the kernels of batches are compiled. */
export function withoutBatches(variants: KernelVariants): KernelVariants {
  return {
    ...variants,
    mat: (format, workload, mayRound) =>
      variants.mat(format, workload === "batch" ? "decode" : workload, mayRound),
  };
}

/** Each segment of the cache repeats attention's inner loop, which software adapters compile slowly. */
export const maxCacheSegments = ({ lowParallelism }: DeviceTraits) => (lowParallelism ? 2 : 4);
