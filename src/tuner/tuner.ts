/**
 * The variants of a shard's kernels, and the rows of a chunk: a first guess to start with, and for
 * shards worth it the fastest by measurement. Results are stored, so that the next shard with these
 * shapes starts with them.
 */
import {
  CHUNK_ROWS,
  type DeviceTraits,
  firstVariants,
  matCandidates,
  type MatVariant,
  type MeasureOptions,
  shaderFeatures,
  type ShardWork,
  type TunedShard,
  type Tuner,
  variantName,
} from "../kernels/index.ts";
import type { KernelChoice } from "../shared/index.ts";
import { chunkRows, largestRows } from "./chunk-rows.ts";
import { MeasurementClock } from "./clock.ts";
import { type Measured, tuneJobs } from "./jobs.ts";
import { measuredChoice } from "./measured-choice.ts";
import { measureTraits } from "./traits.ts";
import { tuneMat } from "./tune-mat.ts";
import { TuningStore } from "./tuning-store.ts";

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
    return (await this.#decide(work)).shard;
  }

  /** Measures what `choose` lacked, and stores it. Rejects when `other.quiet` does. */
  async measure(options: MeasureOptions): Promise<TunedShard> {
    const { work, other, submitWhileWaiting, onProgress } = options;
    const { traits, measured } = await this.#decide(work);
    const store = await this.#store;
    const { lowParallelism } = traits;
    const newest = await tuneMat(this.#device, {
      jobs: measured.filter(({ timings }) => timings.length === 0).map(({ job }) => job),
      prefillTokens: lowParallelism ? CHUNK_ROWS[0] : largestRows(traits),
      lowParallelism,
      submitWhileWaiting,
      clock: new MeasurementClock(other),
      onProgress,
    });
    for (const one of newest) store.add(one);
    await store.save();
    return this.choose(work);
  }

  async #decide(work: ShardWork) {
    const store = await this.#store;
    const { traits } = store;
    if (traits === null) throw new Error("the device's traits are not measured yet");
    const features = shaderFeatures(this.#device);
    const first = firstVariants(features, traits, work.attention);
    const jobs = tuneJobs(work, first.norms);
    const measured = jobs.map((job): Measured => ({ job, timings: store.find(job) }));
    const mat = measuredChoice(measured, first);
    const prompts = measured.filter(({ job }) => job.workload === "prefill");
    const rates = prompts.flatMap(({ timings }) => timings.map(({ macsPerMs }) => macsPerMs));
    const rate = rates.length > 0 ? Math.max(...rates) : null;
    const maxRows = chunkRows(work, traits, rate);
    const products = measured.map(({ job, timings }) => {
      const { workload, activations, format } = job;
      const [guess] = matCandidates(workload, activations, features, traits.lowParallelism, format);
      return productChoice({ job, timings }, guess!);
    });
    const { heads, keyValueHeads, headSize } = work.attention;
    // The device's traits choose these.
    const attention = (["decode", "prefill"] as const).map((workload) => ({
      kind: "attention" as const,
      shape: `${heads}/${keyValueHeads}x${headSize}`,
      workload,
      winner: first[`${workload}Attention`].kind,
      ratePerMs: null,
      others: [],
    }));
    const shard: TunedShard = {
      variants: { ...first, mat },
      maxRows,
      maxRowsLimit: jobs.length === 0 || rate !== null ? maxRows : largestRows(traits),
      kernels: {
        traits: { ...traits, rowsPerChunk: maxRows },
        choices: [...attention, ...products],
        tuning: { status: jobs.length === 0 ? "untuned_few_layers" : "measured" },
      },
      final: measured.every(({ timings }) => timings.length > 0),
    };
    return { shard, traits, measured };
  }
}

/** For the shard's report: the winner, or the first guess, and the relative speed of the others. */
export function productChoice({ job, timings }: Measured, guess: MatVariant): KernelChoice {
  const [best = null, ...others] = timings;
  return {
    kind: "product",
    shape: `${job.format} ${job.activations} ${job.rows}x${job.columns}`,
    workload: job.workload,
    winner: variantName(best?.variant ?? guess),
    ratePerMs: best && best.macsPerMs,
    others: others.map(({ variant, macsPerMs }) => ({
      name: variantName(variant),
      speed: macsPerMs / best!.macsPerMs,
    })),
  };
}
