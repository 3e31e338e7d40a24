/**
 * Picks the variants of the matrix products of a shard by measurement, on its real
 * shapes, within a budget that counts compiling. Never by a vendor's name.
 *
 * A job is one format with one kind of activations and its largest shape; the
 * first guess (mat-variants.ts) is the answer until something faster is seen, and
 * for what the budget does not reach. A candidate counts only if its results agree
 * with the reference within the tolerance of its arithmetic.
 */
import { variantName, type MatVariant } from "./mat-source.ts";
import { firstVariant, matCandidates, type Workload } from "./mat-variants.ts";
import { FIRST_SHARE, newRace, raceAgain, raceLine, runRace, type Race } from "./race.ts";
import { shaderFeatures, type ShaderFeatures } from "./runner-device.ts";
import { makeBench, type MatJob } from "./tune-bench.ts";
import type { TuneClock } from "./tune-clock.ts";

export type TuneJob = MatJob & { readonly workloads: readonly Workload[] };

export type TuneOptions = {
  readonly jobs: readonly TuneJob[];
  readonly budgetMs: number;
  /** Tokens of a prefill chunk. */
  readonly prefillTokens: number;
  readonly narrow: boolean;
  readonly nudge: boolean;
  /** Keeps measurements apart from other work; time spent waiting is not of the budget. */
  readonly clock: TuneClock;
  onProgress?(done: number, total: number): void;
};

export type Tuned = {
  readonly job: TuneJob;
  readonly workloads: Readonly<Record<Workload, TunedWorkload>>;
};

export type TunedWorkload = {
  readonly winner: MatVariant;
  /** What was measured, fastest first; empty where the budget ended before. */
  readonly timings: readonly { readonly variant: MatVariant; readonly macsPerMs: number }[];
  /** Candidates whose results disagreed with the reference, or that did not compile. */
  readonly refused: readonly string[];
};

const WORKLOADS: readonly Workload[] = ["decode", "batch", "prefill"];

/**
 * Measures the workloads of each job, decode first; resolves within about `budgetMs`.
 * What the budget does not reach keeps the first guess and has no timings.
 */
export async function tuneMat(device: GPUDevice, options: TuneOptions): Promise<Tuned[]> {
  const { jobs, budgetMs, prefillTokens, clock } = options;
  const start = clock.now();
  const end = start + budgetMs * FIRST_SHARE;
  const features = shaderFeatures(device);
  const tokens = { decode: 1, batch: 4, prefill: prefillTokens };
  const races = new Map<string, Race<MatVariant>>();
  const total = jobs.reduce((sum, job) => sum + job.workloads.length, 0);
  let done = 0;
  try {
    for (const workload of WORKLOADS) {
      for (const [index, job] of jobs.entries()) {
        if (!job.workloads.includes(workload)) continue;
        // What is left is shared by what is still to do.
        const until = clock.now() + (end - clock.now()) / (total - done);
        const race = newRace(unmeasured(job, workload, features, options.narrow).winner);
        races.set(`${workload} ${index}`, race);
        await tuneOne(device, job, race, workload, tokens[workload], until, options);
        options.onProgress?.(++done, total);
      }
    }
    await raceAgain([...races.values()], start + budgetMs, clock);
  } finally {
    for (const { bench } of races.values()) bench?.destroy();
  }
  return jobs.map((job, index) => {
    const of = (workload: Workload): TunedWorkload => {
      const race = races.get(`${workload} ${index}`);
      return race === undefined
        ? unmeasured(job, workload, features, options.narrow)
        : tunedWorkload(race, job.rows * job.columns * tokens[workload]);
    };
    return { job, workloads: { decode: of("decode"), batch: of("batch"), prefill: of("prefill") } };
  });
}

/** The first guess, as a result. */
export function unmeasured(
  { activations, format }: MatJob,
  workload: Workload,
  features: ShaderFeatures,
  narrow: boolean,
): TunedWorkload {
  const winner = firstVariant(workload, activations, features, narrow, format);
  return { winner, timings: [], refused: [] };
}

/** Floats and int8 are compared by these rates later. */
function tunedWorkload({ first, timings, refused }: Race<MatVariant>, macs: number): TunedWorkload {
  return {
    winner: timings[0]?.variant ?? first,
    timings: timings.map(({ variant, ms }) => ({ variant, macsPerMs: macs / ms })),
    refused,
  };
}

/** One line for people: what won, and how the others did. */
export function tunedLine({ job, workloads }: Tuned): string {
  const parts = job.workloads.map((workload) => {
    const { winner, timings } = workloads[workload];
    const best = timings[0]?.macsPerMs;
    if (best === undefined) return `${workload}: ${variantName(winner)} (not measured)`;
    const entrants = timings.map(({ variant, macsPerMs }) => ({
      name: variantName(variant),
      speed: macsPerMs,
    }));
    return `${workload}: ${raceLine(`${(best / 1e6).toFixed(2)} GMAC/s`, entrants)}`;
  });
  return `${job.format} ${job.activations} ${job.rows}x${job.columns} ${parts.join(" | ")}`;
}

async function tuneOne(
  device: GPUDevice,
  job: TuneJob,
  race: Race<MatVariant>,
  workload: Workload,
  tokens: number,
  until: number,
  { nudge, clock }: TuneOptions,
): Promise<void> {
  const { activations, format } = job;
  const others = matCandidates(workload, activations, shaderFeatures(device), format).filter(
    (variant) => variant !== race.first,
  );
  if (clock.now() >= until) return;
  await runRace(race, await makeBench(device, job, tokens, nudge, clock), others, until, clock);
}
