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
import { ranking, runJobs, type TrialOptions, type Trials } from "./trials.ts";

export type TuneJob = MatJob & {
  readonly workloads: readonly Workload[];
  /** Earlier results to continue: their winner, then what was not tried. */
  readonly before?: Readonly<Partial<Record<Workload, TunedWorkload>>>;
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
  /** Candidates that the budget did not reach, the likeliest first. */
  readonly untried: readonly MatVariant[];
};

/**
 * Measures the workloads of each job, decode first; resolves within about `budgetMs`. What the
 * budget does not reach keeps the first guess without timings, or its earlier result.
 */
export async function tuneMat(device: GPUDevice, options: TuneOptions): Promise<Tuned[]> {
  const { jobs, prefillTokens, lowParallelism, submitWhileWaiting, clock } = options;
  const features = shaderFeatures(device);
  const tokens = { decode: 1, batch: 4, prefill: prefillTokens };
  const before = (job: TuneJob, workload: Workload) =>
    job.before?.[workload] ?? unmeasured(job, workload, features, lowParallelism);
  const work = WORKLOADS.flatMap((workload) =>
    jobs
      .filter(({ workloads }) => workloads.includes(workload))
      .map((job) => ({ job, workload, before: before(job, workload) })),
  );
  const trials = await runJobs(
    work.map(({ job, workload, before: { winner, timings, untried } }) => ({
      first: winner,
      others: untried.filter((variant) => variant !== winner),
      isContinued: timings.length > 0,
      makeBench: () => makeMatBench(device, job, tokens[workload], submitWhileWaiting, clock),
    })),
    options,
  );
  return jobs.map((job) => {
    const workloads = byWorkload((workload) => {
      const i = work.findIndex((one) => one.job === job && one.workload === workload);
      const macs = job.rows * job.columns * tokens[workload];
      return i < 0 ? before(job, workload) : tunedWorkload(trials[i]!, macs, work[i]!.before);
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
  const untried = matCandidates(workload, activations, features, lowParallelism, format);
  return { winner: untried[0]!, timings: [], rejected: [], untried };
}

/**
 * Rates, by which floats and int8 are compared later. An earlier timing that was not repeated keeps
 * its ratio to the winner of that time.
 */
function tunedWorkload(
  trials: Trials<MatVariant>,
  macs: number,
  before: TunedWorkload,
): TunedWorkload {
  const timings = trials.timings.map(({ variant, ms }) => ({ variant, macsPerMs: macs / ms }));
  const again = timings.find(({ variant }) => variant === trials.first);
  const earlier = before.timings[0];
  const pace =
    again === undefined || earlier === undefined ? 1 : again.macsPerMs / earlier.macsPerMs;
  for (const { variant, macsPerMs } of before.timings) {
    if (timings.some((timing) => timing.variant === variant)) continue;
    timings.push({ variant, macsPerMs: macsPerMs * pace });
  }
  timings.sort((a, b) => b.macsPerMs - a.macsPerMs);
  return {
    winner: timings[0]?.variant ?? trials.first,
    timings,
    rejected: [...before.rejected, ...trials.rejected],
    untried: before.untried.filter((variant) => !trials.tried.has(variant)),
  };
}

/** For the shard's report. */
export function productChoices({ job, workloads }: Tuned): KernelChoice[] {
  return job.workloads.map((workload) => ({
    kind: "product",
    shape: `${job.format} ${job.activations} ${job.rows}x${job.columns}`,
    workload,
    ...ranking(workloads[workload], variantName, ({ macsPerMs }) => macsPerMs),
    untried: workloads[workload].untried.length,
  }));
}
