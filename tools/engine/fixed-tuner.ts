/** A tuner that measures nothing: a shard runs the variants that a test names. */
import {
  acceptsInt8,
  type Activations,
  CHUNK_ROWS,
  type ChunkRows,
  type DeviceTraits,
  firstVariants,
  type KernelVariants,
  matCandidates,
  type ShaderFeatures,
  shaderFeatures,
  type ShardWork,
  type Tuner,
  type Workload,
  WORKLOADS,
} from "../../src/kernels/index.ts";

type VariantsFor = (work: ShardWork) => KernelVariants;

function fixedTuner(traits: DeviceTraits, maxRows: ChunkRows, variantsFor: VariantsFor): Tuner {
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

/** One set of variants: each kind of work runs its candidate `index`, or its last if it has fewer. */
export type VariantSet = {
  readonly traits: DeviceTraits;
  /** int8 wherever it is allowed, or never. */
  readonly activations: Activations;
  readonly index: number;
};

/** Sets in which each variant occurs that a software adapter or a GPU may run. */
export function variantSets(device: GPUDevice): VariantSet[] {
  const features = shaderFeatures(device);
  const all: VariantSet[] = [];
  for (const traits of [{ lowParallelism: false }, { lowParallelism: true }]) {
    for (const activations of ["float", "int8"] as const) {
      const lists = WORKLOADS.map((workload) => products(workload, activations, features, traits));
      const most = Math.max(...lists.map(({ length }) => length));
      for (let index = 0; index < most; index++) all.push({ traits, activations, index });
    }
  }
  return all;
}

/** A tuner that gives a shard this set, and steps of this many rows. */
export function setTuner(
  device: GPUDevice,
  { traits, activations, index }: VariantSet,
  maxRows: ChunkRows = CHUNK_ROWS[0],
): Tuner {
  const features = shaderFeatures(device);
  const at = <T>(list: readonly T[]): T => list[Math.min(index, list.length - 1)]!;
  return fixedTuner(traits, maxRows, ({ attention }) => ({
    ...firstVariants(features, traits, attention),
    mat(format, workload, mayRound) {
      const kind = mayRound && acceptsInt8(format) ? activations : "float";
      const { lowParallelism } = traits;
      const variant = at(matCandidates(workload, kind, features, lowParallelism, format));
      return { activations: kind, variant };
    },
  }));
}

const products = (
  workload: Workload,
  activations: Activations,
  features: ShaderFeatures,
  { lowParallelism }: DeviceTraits,
) => matCandidates(workload, activations, features, lowParallelism, "Q4_1");
