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
import { shaderFeatures, type ShaderFeatures } from "./runner-device.ts";
import { makeBench, type MatBench, type MatJob } from "./tune-bench.ts";
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
  const tokens = { decode: 1, batch: 4, prefill: prefillTokens };
  const results = new Map<string, Measured>();
  const total = jobs.reduce((sum, job) => sum + job.workloads.length, 0);
  let done = 0;
  try {
    for (const workload of WORKLOADS) {
      for (const [index, job] of jobs.entries()) {
        if (!job.workloads.includes(workload)) continue;
        // What is left is shared by what is still to do.
        const until = clock.now() + (end - clock.now()) / (total - done);
        const result = startOn(device, job, workload, options);
        results.set(`${workload} ${index}`, result);
        await tuneOne(device, job, result, workload, tokens[workload], until, options);
        options.onProgress?.(++done, total);
      }
    }
    await remeasure([...results.values()], start + budgetMs, clock);
  } finally {
    for (const { bench } of results.values()) bench?.destroy();
  }
  const features = shaderFeatures(device);
  return jobs.map((job, index) => {
    const of = (workload: Workload): TunedWorkload => {
      const result = results.get(`${workload} ${index}`);
      return result === undefined
        ? unmeasured(job, workload, features, options.narrow)
        : {
            winner: result.timings[0]?.variant ?? result.first,
            timings: result.timings,
            refused: result.refused,
          };
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

/** A workload's timings as they are taken, and what takes them. */
type Measured = {
  readonly first: MatVariant;
  readonly refused: string[];
  readonly timings: { readonly variant: MatVariant; macsPerMs: number }[];
  bench: MatBench | null;
};

/** Of the budget; the rest times the best again. */
const FIRST_SHARE = 0.8;
const ROUNDS = 3;
/** A candidate that is this much slower than the best is not given another chance. */
const CLOSE = 2.5;
/** At first more: a busy moment of the machine can make the best look so slow. */
const CLOSE_AT_FIRST = 20;

const fastestFirst = ({ timings }: Measured) => timings.sort((a, b) => b.macsPerMs - a.macsPerMs);

/**
 * Times what came close again, all workloads and jobs in turns: other work on the machine may
 * have disturbed one of them, and floats and int8 are compared with each other later.
 */
async function remeasure(
  results: readonly Measured[],
  until: number,
  clock: TuneClock,
): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const close = round === 0 ? CLOSE_AT_FIRST : CLOSE;
    for (const result of results) {
      if (clock.now() >= until) return;
      const { timings, bench } = result;
      const least = (timings[0]?.macsPerMs ?? 0) / close;
      for (const timing of timings.filter(({ macsPerMs }) => macsPerMs >= least)) {
        const ms = await bench!.timeAgain(timing.variant);
        timing.macsPerMs = Math.max(timing.macsPerMs, bench!.macs / ms);
      }
      fastestFirst(result);
    }
  }
}

/** One line for people: what won, and how the others did. */
export function tunedLine({ job, workloads }: Tuned): string {
  const parts = job.workloads.map((workload) => {
    const { winner, timings } = workloads[workload];
    const best = timings[0]?.macsPerMs;
    if (best === undefined) return `${workload}: ${variantName(winner)} (not measured)`;
    const rest = timings
      .slice(1)
      .map((t) => `${variantName(t.variant)} ${(t.macsPerMs / best).toFixed(2)}`);
    const against = rest.length > 0 ? `; ${rest.join(", ")}` : "";
    return `${workload}: ${variantName(winner)} ${(best / 1e6).toFixed(2)} GMAC/s${against}`;
  });
  return `${job.format} ${job.activations} ${job.rows}x${job.columns} ${parts.join(" | ")}`;
}

function startOn(
  device: GPUDevice,
  { activations, format }: TuneJob,
  workload: Workload,
  { narrow }: TuneOptions,
): Measured {
  const first = firstVariant(workload, activations, shaderFeatures(device), narrow, format);
  return { first, timings: [], refused: [], bench: null };
}

async function tuneOne(
  device: GPUDevice,
  job: TuneJob,
  result: Measured,
  workload: Workload,
  tokens: number,
  until: number,
  { nudge, clock }: TuneOptions,
): Promise<void> {
  const { first, timings, refused } = result;
  const { activations, format } = job;
  const others = matCandidates(workload, activations, shaderFeatures(device), format).filter(
    (variant) => variant !== first,
  );
  if (clock.now() >= until) return;
  const bench = await makeBench(device, job, tokens, nudge, clock);
  result.bench = bench;
  let lastMs = 0;
  for (const variant of [first, ...others]) {
    // A candidate takes about as long as the one before, most of it compiling.
    const start = clock.now();
    if (start + lastMs >= until) break;
    const bestMs = timings.length === 0 ? Infinity : bench.macs / timings[0]!.macsPerMs;
    const measured = await bench.measure(variant, bestMs * CLOSE);
    if (typeof measured === "string") refused.push(measured);
    else timings.push({ variant, macsPerMs: bench.macs / measured });
    fastestFirst(result);
    lastMs = clock.now() - start;
  }
}
