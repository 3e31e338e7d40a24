/**
 * Times the variants of a shard's matrix products on its real shapes. Never by a vendor's name.
 *
 * All candidates (mat-candidates.ts) are measured, and then again while there is time. A candidate
 * counts only if its results agree with the reference.
 */
import { matCandidates, type MatVariant, shaderFeatures, WORKLOADS } from "../kernels/index.ts";
import type { MeasurementClock } from "./clock.ts";
import type { Measured, TuneJob } from "./jobs.ts";
import { makeMatBench } from "./mat-bench.ts";

/** Candidates are measured again until all measurements have taken this long, compiling not included. */
const BUDGET_MS = 800;
const REPEAT_ROUNDS = 3;

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

/** The timings of one job, and what repeats them. */
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
    await repeat(all, clock);
  } finally {
    for (const { bench } of all) bench.destroy();
  }
  return all.map(({ job, bench, timings }) => ({
    job,
    timings: timings
      .toSorted((a, b) => a.ms - b.ms)
      .map(({ variant, ms }) => ({ variant, macsPerMs: bench.macs / ms })),
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
    const ms = await bench.measure(variant);
    if (typeof ms === "number") trials.timings.push({ variant, ms });
  }
  return trials;
}

/** Times all candidates again, all jobs in turns: other work may have disturbed one of them. */
async function repeat(all: readonly Trials[], clock: MeasurementClock): Promise<void> {
  for (let round = 0; round < REPEAT_ROUNDS; round++) {
    for (const { bench, timings } of all) {
      for (const timing of timings) {
        if (clock.measuredMs >= BUDGET_MS) return;
        timing.ms = Math.min(timing.ms, await bench.timeAgain(timing.variant));
      }
    }
  }
}
