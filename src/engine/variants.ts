/**
 * Which variant of each kernel a shard runs: a first guess from what the device
 * can do, never from a vendor's name; the tuner may replace what it starts with.
 */
import type { AttentionVariant, Halves } from "../kernels/attention.ts";
import type { AttentionShape } from "../kernels/attention-shape.ts";
import { firstAttention } from "../kernels/attention-variants.ts";
import {
  acceptsInt8,
  type Activations,
  type MatVariant,
  type Workload,
} from "../kernels/mat-variant.ts";
import { firstVariant } from "../kernels/mat-variants.ts";
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
  /** Threads that share a row of logits. */
  readonly sampleChunks: number;
};

/** Measured once for a device. `narrow`: few threads at a time and dear barriers, as on software adapters. */
export type DeviceTraits = { readonly narrow: boolean; readonly halves: Halves };

export function firstVariants(
  features: ShaderFeatures,
  traits: DeviceTraits,
  shape: Pick<AttentionShape, "headSize">,
): EngineVariants {
  const { narrow } = traits;
  const mat: EngineVariants["mat"] = (format, workload, mayRound) => {
    // Where a subgroup is a CPU's register, floats by quads are the fastest by far.
    const quads = narrow && features.subgroups;
    const activations = mayRound && acceptsInt8(format) && !quads ? "int8" : "float";
    return {
      activations,
      variant: firstVariant(workload, activations, features, narrow, format),
    };
  };
  return {
    mat,
    quantize: narrow ? "threads" : "workgroup",
    decodeAttention: firstAttention("decode", shape, features, traits),
    prefillAttention: firstAttention("prefill", shape, features, traits),
    sampleChunks: narrow ? 64 : 256,
  };
}

/** The same but for batches, whose rows are multiplied one by one: for as long as their kernels are not there. */
export function withoutBatches(variants: EngineVariants): EngineVariants {
  return {
    ...variants,
    mat: (format, workload, mayRound) =>
      variants.mat(format, workload === "batch" ? "decode" : workload, mayRound),
  };
}

/** Each segment of the cache repeats attention's inner loop, which software adapters compile slowly. */
export const cacheSegments = ({ narrow }: DeviceTraits) => (narrow ? 2 : 4);
