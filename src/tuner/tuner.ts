/**
 * The variants of a shard's kernels, and the rows of a chunk: a first guess to start with, and for
 * shards worth it the fastest by measurement. Results are stored, so that the next shard with these
 * shapes starts with them.
 */
import {
  ATTENTION_USES,
  attentionCandidates,
  type AttentionUse,
  CHUNK_ROWS,
  type DeviceTraits,
  firstVariants,
  type MeasureOptions,
  shaderFeatures,
  type ShaderFeatures,
  type ShardWork,
  type TunedShard,
  type Tuner,
} from "../kernels/index.ts";
import { fastestChunk, firstRows, largestRows } from "./chunk-rows.ts";
import { MeasurementClock } from "./clock.ts";
import { fasterUnpack } from "./float16-unpack.ts";
import { chunkJob, isWorthTuning, tuneJobs } from "./jobs.ts";
import { measuredChoice } from "./measured-choice.ts";
import { hasLowParallelism } from "./parallelism.ts";
import {
  attentionChoices,
  tuneAttention,
  unmeasuredAttention,
  type AttentionJob,
} from "./tune-attention.ts";
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
/** With less, measuring waits for the next load: a kernel compiles for a second on software adapters. */
const MIN_BUDGET_MS = 500;

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
  const end = clock.now() + BUDGET_MS;
  const leftMs = () => end - clock.now();
  const { store, traits } = known;
  const shape = known.work.attention;
  const missing = missingJobs(known);
  const attention = missingAttention(known);
  const total = missing.reduce((sum, { workloads }) => sum + workloads.length, attention.length);
  let done = 0;
  const common = { submitWhileWaiting, clock, onProgress: () => onProgress(++done, total) };
  const tuned = await tuneMat(device, {
    ...common,
    prefillTokens: CHUNK_ROWS[0],
    lowParallelism: traits.lowParallelism,
    jobs: missing,
    budgetMs: leftMs() - CHUNK_BUDGET_MS,
  });
  for (const { job, workloads } of tuned) {
    for (const workload of job.workloads) store.add(job, workload, workloads[workload]);
  }
  const { chunk } = decide(known);
  if (chunk !== null && !store.chunks.has(chunk.key)) {
    const maxRows = largestRows(traits);
    const options = { ...chunk, maxRows, budgetMs: CHUNK_BUDGET_MS, submitWhileWaiting, clock };
    store.chunks.set(chunk.key, await fastestChunk(device, options));
  }
  // The last ones get what the others have left; where that is little, the next load continues.
  if (attention.length > 0 && leftMs() >= MIN_BUDGET_MS) {
    const options = { ...common, shape, jobs: attention, budgetMs: leftMs() };
    const found = await tuneAttention(device, options);
    attention.forEach(({ use }, i) => store.addAttention(shape, use, found[i]!));
  }
  await store.save();
}

const tunedShard = (known: Known): TunedShard => decide(known).shard;

function decide(known: Known) {
  const { work, store, traits, features } = known;
  const shape = work.attention;
  const first = firstVariants(features, traits, shape);
  const products = tuneJobs(work).map((job): Tuned => {
    const workloads = byWorkload(
      (workload) =>
        store.find(job, workload) ?? unmeasured(job, workload, features, traits.lowParallelism),
    );
    return { job, workloads };
  });
  const attention = (use: AttentionUse) =>
    store.findAttention(shape, use) ??
    unmeasuredAttention(attentionCandidates(use, shape, features, traits)[0]!);
  const [decode, prefill] = [attention("decode"), attention("prefill")];
  const mat = measuredChoice(products, first.mat);
  const chunk = chunkJob(work, products, mat);
  const measuredRows =
    products.length === 0
      ? CHUNK_ROWS[0]
      : chunk === null
        ? undefined
        : store.chunks.get(chunk.key);
  const maxRows = measuredRows ?? firstRows(work, traits);
  const isMissing = [missingJobs, missingAttention].some((jobs) => jobs(known).length > 0);
  const shard: TunedShard = {
    variants: { ...first, mat, decodeAttention: decode.winner, prefillAttention: prefill.winner },
    maxRows,
    maxRowsLimit: measuredRows ?? largestRows(traits),
    kernels: {
      traits: { ...traits, rowsPerChunk: maxRows },
      choices: [
        ...attentionChoices(shape, { decode, prefill }),
        ...products.flatMap(productChoices),
      ],
      tuning: { status: products.length === 0 ? "untuned_few_layers" : "measured" },
    },
    final: measuredRows !== undefined && !isMissing,
  };
  return { shard, chunk };
}

/** Products that have not been measured yet. */
function missingJobs({ store, work }: Known): TuneJob[] {
  return tuneJobs(work).flatMap((job) => {
    const workloads = job.workloads.filter((workload) => store.find(job, workload) === null);
    return workloads.length === 0 ? [] : [{ ...job, workloads }];
  });
}

/** Attention kernels that have not. */
function missingAttention({ work, store, traits, features }: Known): AttentionJob[] {
  if (!isWorthTuning(work)) return [];
  const shape = work.attention;
  return ATTENTION_USES.filter((use) => store.findAttention(shape, use) === null)
    .map((use) => ({ use, candidates: attentionCandidates(use, shape, features, traits) }))
    .filter(({ candidates }) => candidates.length > 1);
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
