/**
 * Times the variants of a shard's matrix products on its real shapes. Never by a vendor's name.
 *
 * All candidates (mat-candidates.ts) are measured, and then the close ones again. A candidate counts
 * only if its results agree with the reference.
 */
import { matCandidates, type MatVariant, shaderFeatures, WORKLOADS } from "../kernels/index.ts";
import type { MeasurementClock } from "./clock.ts";
import type { Measured, TuneJob } from "./jobs.ts";
import { makeMatBench } from "./mat-bench.ts";

/** Close candidates are measured again until all measurements have taken this long, compiling not included. */
const BUDGET_MS = 800;
const REPEAT_ROUNDS = 3;
/** A candidate that takes this many times as long as the best is not timed again. */
const CLOSE_RATIO = 2.5;
/** In the first round: other work on the machine can make the best look this slow. */
const FIRST_CLOSE_RATIO = 20;

export type TuneOptions = {
  readonly jobs: readonly TuneJob[];
  /** Tokens of a prefill chunk. */
  readonly prefillTokens: number;
  readonly lowParallelism: boolean;
  readonly submitWhileWaiting: boolean;
  /** Keeps measurements apart from other work. */
  readonly clock: MeasurementClock;
  readonly onProgress?: (done: number, total: number) => void;
};

/** The timings of one job, fastest first, and what repeats them. */
type Trials = {
  readonly job: TuneJob;
  readonly bench: Awaited<ReturnType<typeof makeMatBench>>;
  readonly timings: { readonly variant: MatVariant; ms: number }[];
};

/** Measures the jobs. A job whose candidates all fail has no timings. */
export async function tuneMat(device: GPUDevice, options: TuneOptions): Promise<Measured[]> {
  const { jobs, lowParallelism, clock, onProgress } = options;
  // Prefill first on a GPU: it brings an idle one to its clocks.
  const order = lowParallelism ? WORKLOADS : WORKLOADS.toReversed();
  const all: Trials[] = [];
  try {
    for (const workload of order) {
      for (const job of jobs.filter((one) => one.workload === workload)) {
        await clock.quiet(); // preparing takes the device too
        all.push(await measureJob(device, job, options));
        onProgress?.(all.length, jobs.length);
      }
    }
    await repeatClose(all, clock);
  } finally {
    for (const { bench } of all) bench.destroy();
  }
  return all.map(({ job, bench, timings }) => ({
    job,
    timings: timings.map(({ variant, ms }) => ({ variant, macsPerMs: bench.macs / ms })),
  }));
}

async function measureJob(
  device: GPUDevice,
  job: TuneJob,
  { prefillTokens, lowParallelism, submitWhileWaiting, clock }: TuneOptions,
): Promise<Trials> {
  const { workload, activations, format } = job;
  const tokens = { decode: 1, batch: 4, prefill: prefillTokens }[workload];
  const bench = await makeMatBench(device, job, tokens, submitWhileWaiting, clock);
  const trials: Trials = { job, bench, timings: [] };
  const features = shaderFeatures(device);
  for (const variant of matCandidates(workload, activations, features, lowParallelism, format)) {
    const cutoffMs = (trials.timings[0]?.ms ?? Infinity) * CLOSE_RATIO;
    const ms = await bench.measure(variant, cutoffMs);
    if (typeof ms === "number") trials.timings.push({ variant, ms });
    sortTimings(trials);
  }
  return trials;
}

/** Times the close candidates again, all jobs in turns: other work may have disturbed one of them. */
async function repeatClose(all: readonly Trials[], clock: MeasurementClock): Promise<void> {
  for (let round = 0; round < REPEAT_ROUNDS; round++) {
    const ratio = round === 0 ? FIRST_CLOSE_RATIO : CLOSE_RATIO;
    for (const trials of all) {
      const maxMs = (trials.timings[0]?.ms ?? 0) * ratio;
      for (const timing of trials.timings.filter(({ ms }) => ms <= maxMs)) {
        if (clock.measuredMs >= BUDGET_MS) return sortTimings(trials);
        timing.ms = Math.min(timing.ms, await trials.bench.timeAgain(timing.variant));
      }
      sortTimings(trials);
    }
  }
}

const sortTimings = ({ timings }: Trials) => void timings.sort((a, b) => a.ms - b.ms);
