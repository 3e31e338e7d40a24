/**
 * The variants of a shard's kernels, and the rows of a chunk: a first guess to start with, and for
 * shards worth it the fastest by measurement. Results are stored, so that the next shard with these
 * shapes starts with them.
 */
import {
  CHUNK_ROWS,
  type DeviceTraits,
  firstVariants,
  type KernelVariants,
  type MeasureOptions,
  shaderFeatures,
  type ShaderFeatures,
  type ShardWork,
  type TunedShard,
  type Tuner,
} from "../kernels/index.ts";
import type { KernelChoice } from "../shared/index.ts";
import { fastestChunk, firstRows, gpuRows, largestRows } from "./chunk-rows.ts";
import { MeasurementClock } from "./clock.ts";
import { fasterUnpack } from "./float16-unpack.ts";
import { chunkJob, tuneJobs } from "./jobs.ts";
import { measuredChoice } from "./measured-choice.ts";
import { hasLowParallelism } from "./parallelism.ts";
import {
  byWorkload,
  productChoices,
  tuneMat,
  unmeasured,
  type TuneJob,
  type Tuned,
} from "./tune-mat.ts";
import { TuningStore } from "./tuning-store.ts";

/** All measurements of a shard, compiling included. */
const BUDGET_MS = 3000;
/** The part of it for finding the rows of a chunk. */
const CHUNK_BUDGET_MS = 400;
export class DeviceTuner implements Tuner {
  readonly #device: GPUDevice;
  readonly #store: Promise<TuningStore>;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#store = TuningStore.of(device);
  }

  /** About half a second on a new device. */
  async traits(submitWhileWaiting: boolean): Promise<DeviceTraits> {
    const store = await this.#store;
    return (store.traits ??= await measureTraits(this.#device, submitWhileWaiting));
  }

  /** From what is known of the device and was measured before. After `traits`. */
  async choose(work: ShardWork): Promise<TunedShard> {
    return tunedShard(await this.#known(work));
  }

  /** Measures what `choose` lacked, within a budget, and stores it. Rejects when `other.quiet` does. */
  async measure(options: MeasureOptions): Promise<TunedShard> {
    const known = await this.#known(options.work);
    await measureMissing(this.#device, known, options);
    return tunedShard(known);
  }

  async #known(work: ShardWork): Promise<Known> {
    const store = await this.#store;
    if (store.traits === null) throw new Error("the device's traits are not measured yet");
    return { work, store, traits: store.traits, features: shaderFeatures(this.#device) };
  }
}

/** Everything that decides the choice; `store` grows with every measurement. */
type Known = {
  readonly work: ShardWork;
  readonly store: TuningStore;
  readonly traits: DeviceTraits;
  readonly features: ShaderFeatures;
};

async function measureMissing(
  device: GPUDevice,
  known: Known,
  { other, submitWhileWaiting, onProgress }: MeasureOptions,
): Promise<void> {
  const clock = new MeasurementClock(other);
  const { store, traits } = known;
  const missing = missingJobs(known);
  const total = missing.reduce((sum, { workloads }) => sum + workloads.length, 0);
  let done = 0;
  const tuned = await tuneMat(device, {
    submitWhileWaiting,
    clock,
    onProgress: () => onProgress(++done, total),
    prefillTokens: traits.lowParallelism ? CHUNK_ROWS[0] : largestRows(traits),
    lowParallelism: traits.lowParallelism,
    jobs: missing,
    budgetMs: BUDGET_MS - CHUNK_BUDGET_MS,
  });
  for (const { job, workloads } of tuned) {
    for (const workload of job.workloads) store.add(job, workload, workloads[workload]);
  }
  const { chunk } = decide(known);
  if (traits.lowParallelism && chunk !== null && !store.chunks.has(chunk.key)) {
    const maxRows = largestRows(traits);
    const options = { ...chunk, maxRows, budgetMs: CHUNK_BUDGET_MS, submitWhileWaiting, clock };
    store.chunks.set(chunk.key, await fastestChunk(device, options));
  }
  await store.save();
}

const tunedShard = (known: Known): TunedShard => decide(known).shard;

function decide(known: Known) {
  const { work, store, traits, features } = known;
  const first = firstVariants(features, traits, work.attention);
  const products = tuneJobs(work, first.norms).map((job): Tuned => {
    const workloads = byWorkload(
      (workload) =>
        store.find(job, workload) ?? unmeasured(job, workload, features, traits.lowParallelism),
    );
    return { job, workloads };
  });
  const mat = measuredChoice(products, first);
  const chunk = chunkJob(work, products, mat);
  const measuredRows = rowsOfChunk(known, products.length > 0, chunk);
  const maxRows = measuredRows ?? firstRows(work, traits);
  const shard: TunedShard = {
    variants: { ...first, mat },
    maxRows,
    maxRowsLimit: measuredRows ?? largestRows(traits),
    kernels: {
      traits: { ...traits, rowsPerChunk: maxRows },
      choices: [...attentionChoices(work, first), ...products.flatMap(productChoices)],
      tuning: { status: products.length === 0 ? "untuned_few_layers" : "measured" },
    },
    final: measuredRows !== undefined && missingJobs(known).length === 0,
  };
  return { shard, chunk };
}

/** Undefined until it is measured. */
function rowsOfChunk(
  { store, work, traits }: Known,
  isTuned: boolean,
  chunk: ReturnType<typeof chunkJob>,
) {
  if (!isTuned) return firstRows(work, traits);
  if (chunk === null) return undefined;
  return traits.lowParallelism ? store.chunks.get(chunk.key) : gpuRows(chunk);
}

/** For the shard's report; the device's traits choose them. */
function attentionChoices(
  { attention: { heads, keyValueHeads, headSize } }: ShardWork,
  { decodeAttention, prefillAttention }: KernelVariants,
): KernelChoice[] {
  const variants = { decode: decodeAttention, prefill: prefillAttention };
  return (["decode", "prefill"] as const).map((workload) => ({
    kind: "attention",
    shape: `${heads}/${keyValueHeads}x${headSize}`,
    workload,
    winner: variants[workload].kind,
    ratePerMs: null,
    others: [],
  }));
}

/** Products that have not been measured yet. */
function missingJobs({ store, work, traits, features }: Known): TuneJob[] {
  const { norms } = firstVariants(features, traits, work.attention);
  return tuneJobs(work, norms).flatMap((job) => {
    const workloads = job.workloads.filter((workload) => store.find(job, workload) === null);
    return workloads.length === 0 ? [] : [{ ...job, workloads }];
  });
}

async function measureTraits(
  device: GPUDevice,
  submitWhileWaiting: boolean,
): Promise<DeviceTraits> {
  const lowParallelism = await hasLowParallelism(device, submitWhileWaiting);
  const float16Unpack = lowParallelism
    ? await fasterUnpack(device, submitWhileWaiting)
    : ("builtin" as const);
  return { lowParallelism, float16Unpack };
}
