/** A tuner that measures nothing: a shard runs the variants that a test names. */
import {
  type Activations,
  ATTENTION_USES,
  attentionCandidates,
  type AttentionVariant,
  CHUNK_ROWS,
  type DeviceTraits,
  FLOAT16_UNPACKS,
  firstVariants,
  type KernelVariants,
  matCandidates,
  type ShaderFeatures,
  shaderFeatures,
  type ShardWork,
  type Tuner,
  type Workload,
} from "../../src/kernels/index.ts";

export type VariantsFor = (work: ShardWork) => KernelVariants;

export function fixedTuner(traits: DeviceTraits, variantsFor: VariantsFor): Tuner {
  const [maxRows] = CHUNK_ROWS;
  return {
    traits: () => Promise.resolve(traits),
    choose: (work) =>
      Promise.resolve({
        variants: variantsFor(work),
        maxRows,
        maxRowsLimit: maxRows,
        kernels: {
          traits: { ...traits, rowsPerChunk: maxRows },
          choices: [],
          tuning: { status: "measured" },
        },
        final: true,
      }),
    measure: () => Promise.reject(new Error("these variants are final")),
  };
}

/** Where activations may be int8, they are, or never. */
export type Round = { readonly activations: Activations; readonly index: number };

/**
 * Sets of variants that a device may run, in which each candidate of each kind of work occurs: the set
 * `index` has the candidate of that number everywhere, or the last where there are fewer.
 */
export function roundsOf(device: GPUDevice): Round[] {
  const features = shaderFeatures(device);
  return (["float", "int8"] as const).flatMap((activations) => {
    const most = Math.max(
      ...WORKLOADS.map((workload) => candidates(workload, activations, features).length),
      ...(activations === "float" ? attentionSets(features).map(({ length }) => length) : []),
    );
    return Array.from({ length: most }, (_, index) => ({ activations, index }));
  });
}

export function variantsOf(
  device: GPUDevice,
  { activations, index }: Round,
  traits: DeviceTraits,
): VariantsFor {
  const features = shaderFeatures(device);
  const at = <T>(list: readonly T[]): T => list[Math.min(index, list.length - 1)]!;
  const [decodeAttention, prefillAttention] = attentionSets(features).map(at);
  return ({ attention }) => ({
    ...firstVariants(features, traits, attention),
    mat(format, workload, mayRound) {
      const kind = mayRound ? activations : "float";
      return { activations: kind, variant: at(matCandidates(workload, kind, features, format)) };
    },
    decodeAttention: decodeAttention!,
    prefillAttention: prefillAttention!,
  });
}

const WORKLOADS: readonly Workload[] = ["decode", "batch", "prefill"];

const candidates = (workload: Workload, activations: Activations, features: ShaderFeatures) =>
  matCandidates(workload, activations, features, "Q4_1");

/** For each use, every kernel with every way to unpack f16. */
function attentionSets(features: ShaderFeatures): AttentionVariant[][] {
  const shape = { headSize: 64 };
  return ATTENTION_USES.map((use) =>
    [
      { lowParallelism: false, float16Unpack: "builtin" } as const,
      ...FLOAT16_UNPACKS.map((float16Unpack) => ({ lowParallelism: true, float16Unpack })),
    ].flatMap((traits) => attentionCandidates(use, shape, features, traits)),
  );
}
