/**
 * Picks the variants of a shard's matrix products by measurement, on its real shapes, within a
 * budget that includes compiling. Never by a vendor's name.
 *
 * A job is one format with one kind of activations and its largest shape. The first guess
 * (mat-candidates.ts) stays until something faster is measured, and where the budget ends before.
 * A candidate counts only if its results agree with the reference.
 */
import {
  matCandidates,
  type MatVariant,
  shaderFeatures,
  type ShaderFeatures,
  variantName,
  type Workload,
  WORKLOADS,
} from "../kernels/index.ts";
import type { KernelChoice } from "../shared/index.ts";
import { makeMatBench, type MatJob } from "./mat-bench.ts";
import { ranking, runJobs, type TrialOptions } from "./trials.ts";

export type TuneJob = MatJob & {
  readonly workloads: readonly Workload[];
};

export type TuneOptions = TrialOptions & {
  readonly jobs: readonly TuneJob[];
  /** Tokens of a prefill chunk. */
  readonly prefillTokens: number;
  readonly lowParallelism: boolean;
  readonly submitWhileWaiting: boolean;
};

export type Tuned = {
  readonly job: TuneJob;
  readonly workloads: Readonly<Record<Workload, TunedWorkload>>;
};

export type TunedWorkload = {
  readonly winner: MatVariant;
  /** Fastest first; empty where the budget ended before. */
  readonly timings: readonly { readonly variant: MatVariant; readonly macsPerMs: number }[];
  /** Candidates whose results disagreed with the reference, or that did not compile. */
  readonly rejected: readonly string[];
};

/**
 * Measures the workloads of each job; resolves within about `budgetMs`. What the
 * budget does not reach keeps the first guess without timings.
 */
export async function tuneMat(device: GPUDevice, options: TuneOptions): Promise<Tuned[]> {
  const { jobs, prefillTokens, lowParallelism, submitWhileWaiting, clock } = options;
  const features = shaderFeatures(device);
  const tokens = { decode: 1, batch: 4, prefill: prefillTokens };
  const guess = (job: TuneJob, workload: Workload) =>
    unmeasured(job, workload, features, lowParallelism);
  // Prefill first on a GPU: it brings an idle one to its clocks.
  const work = (lowParallelism ? WORKLOADS : WORKLOADS.toReversed()).flatMap((workload) =>
    jobs.filter(({ workloads }) => workloads.includes(workload)).map((job) => ({ job, workload })),
  );
  const trials = await runJobs(
    work.map(({ job, workload }) => ({
      candidates: matCandidates(workload, job.activations, features, lowParallelism, job.format),
      makeBench: () => makeMatBench(device, job, tokens[workload], submitWhileWaiting, clock),
    })),
    options,
  );
  return jobs.map((job) => {
    const workloads = byWorkload((workload): TunedWorkload => {
      const i = work.findIndex((one) => one.job === job && one.workload === workload);
      if (i < 0) return guess(job, workload);
      const { first, rejected } = trials[i]!;
      const macs = job.rows * job.columns * tokens[workload];
      // Rates, by which floats and int8 are compared later.
      const timings = trials[i]!.timings.map(({ variant, ms }) => ({
        variant,
        macsPerMs: macs / ms,
      }));
      return { winner: timings[0]?.variant ?? first, timings, rejected };
    });
    return { job, workloads };
  });
}

export const byWorkload = <T>(of: (workload: Workload) => T): Record<Workload, T> => ({
  decode: of("decode"),
  batch: of("batch"),
  prefill: of("prefill"),
});

/** The first guess, as a result. */
export function unmeasured(
  { activations, format }: MatJob,
  workload: Workload,
  features: ShaderFeatures,
  lowParallelism: boolean,
): TunedWorkload {
  const [winner] = matCandidates(workload, activations, features, lowParallelism, format);
  return { winner: winner!, timings: [], rejected: [] };
}

/** For the shard's report. */
export function productChoices({ job, workloads }: Tuned): KernelChoice[] {
  return job.workloads.map((workload) => ({
    kind: "product",
    shape: `${job.format} ${job.activations} ${job.rows}x${job.columns}`,
    workload,
    ...ranking(workloads[workload], variantName, ({ macsPerMs }) => macsPerMs),
  }));
}
