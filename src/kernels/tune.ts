/**
 * Picks the variants of the matrix products of a shard by measurement, on its real
 * shapes, within a budget that counts compiling. Never by a vendor's name.
 *
 * A job is one format with one kind of activations and its largest shape; the
 * first guess (mat-variants.ts) is the answer until something faster is seen, and
 * for what the budget does not reach. A candidate counts only if its results agree
 * with the reference within the tolerance of its arithmetic.
 */
import { variantName, type MatVariant, type Workload } from "./mat-variant.ts";
import { firstVariant, matCandidates } from "./mat-variants.ts";
import { FIRST_SHARE, newRace, raceAgain, raceLine, runRace, type Race } from "./race.ts";
import { shaderFeatures, type ShaderFeatures } from "./runner-device.ts";
import { makeBench, type MatJob } from "./tune-bench.ts";
import type { TuneClock } from "./tune-clock.ts";

export type TuneJob = MatJob & {
  readonly workloads: readonly Workload[];
  /** What was measured before, to be gone on with: its winner, then what was not tried. */
  readonly before?: Readonly<Partial<Record<Workload, TunedWorkload>>>;
};

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
  /** Candidates that the budget did not reach, the likeliest first. */
  readonly untried: readonly MatVariant[];
};

const WORKLOADS: readonly Workload[] = ["decode", "batch", "prefill"];

/**
 * Measures the workloads of each job, decode first; resolves within about `budgetMs`.
 * What the budget does not reach keeps the first guess and has no timings, or what it had before.
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
        const before = beforeOf(job, workload, features, options.narrow);
        // Preparing waits for the device too: beside an answer it would take the whole share.
        await clock.quiet();
        // What is left is shared by what is still to do, but what goes on has it all: its share
        // might not reach what was not tried.
        const share = before.timings.length === 0 ? 1 / (total - done) : 1;
        const until = clock.now() + (end - clock.now()) * share;
        const race = newRace(before.winner);
        races.set(`${workload} ${index}`, race);
        await tuneOne(device, job, race, before.untried, tokens[workload], until, options);
        options.onProgress?.(++done, total);
      }
    }
    await raceAgain([...races.values()], start + budgetMs, clock);
  } finally {
    for (const { bench } of races.values()) bench?.destroy();
  }
  return jobs.map((job, index) => {
    const of = (workload: Workload): TunedWorkload => {
      const before = beforeOf(job, workload, features, options.narrow);
      const race = races.get(`${workload} ${index}`);
      const macs = job.rows * job.columns * tokens[workload];
      return race === undefined ? before : tunedWorkload(race, macs, before);
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
  const candidates = matCandidates(workload, activations, features, format);
  // Of the winner's kind first: what suits the device least is tried last.
  const likely = (variant: MatVariant) => (variant.kind === "threads") === narrow;
  const untried = [
    ...candidates.filter(likely),
    ...candidates.filter((variant) => !likely(variant)),
  ];
  return { winner, timings: [], refused: [], untried };
}

const beforeOf = (job: TuneJob, workload: Workload, features: ShaderFeatures, narrow: boolean) =>
  job.before?.[workload] ?? unmeasured(job, workload, features, narrow);

/**
 * Floats and int8 are compared by these rates later. What was timed before and not again is as
 * fast beside the winner of then as it was.
 */
function tunedWorkload(race: Race<MatVariant>, macs: number, before: TunedWorkload): TunedWorkload {
  const timings = race.timings.map(({ variant, ms }) => ({ variant, macsPerMs: macs / ms }));
  const again = timings.find(({ variant }) => variant === race.first);
  const then = before.timings[0];
  const pace = again === undefined || then === undefined ? 1 : again.macsPerMs / then.macsPerMs;
  for (const { variant, macsPerMs } of before.timings) {
    if (timings.some((timing) => timing.variant === variant)) continue;
    timings.push({ variant, macsPerMs: macsPerMs * pace });
  }
  timings.sort((a, b) => b.macsPerMs - a.macsPerMs);
  return {
    winner: timings[0]?.variant ?? race.first,
    timings,
    refused: [...before.refused, ...race.refused],
    untried: before.untried.filter((variant) => !race.tried.has(variant)),
  };
}

/** One line for people: what won, and how the others did. */
export function tunedLine({ job, workloads }: Tuned): string {
  const parts = job.workloads.map((workload) => {
    const { winner, timings, untried } = workloads[workload];
    const best = timings[0]?.macsPerMs;
    if (best === undefined) return `${workload}: ${variantName(winner)} (not measured)`;
    const entrants = timings.map(({ variant, macsPerMs }) => ({
      name: variantName(variant),
      speed: macsPerMs,
    }));
    const open = untried.length > 0 ? `; ${untried.length} not tried yet` : "";
    return `${workload}: ${raceLine(`${(best / 1e6).toFixed(2)} GMAC/s`, entrants)}${open}`;
  });
  return `${job.format} ${job.activations} ${job.rows}x${job.columns} ${parts.join(" | ")}`;
}

async function tuneOne(
  device: GPUDevice,
  job: TuneJob,
  race: Race<MatVariant>,
  untried: readonly MatVariant[],
  tokens: number,
  until: number,
  { nudge, clock }: TuneOptions,
): Promise<void> {
  const others = untried.filter((variant) => variant !== race.first);
  if (clock.now() >= until) return;
  await runRace(race, await makeBench(device, job, tokens, nudge, clock), others, until, clock);
}
