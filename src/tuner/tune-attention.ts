/**
 * Picks a shard's attention kernels by measurement, as tune-mat.ts does for products: on its real
 * shape, within a budget that includes compiling, and only if the results agree with the reference.
 */
import {
  ATTENTION_USES,
  attentionName,
  type AttentionShape,
  type AttentionUse,
  type AttentionVariant,
} from "../kernels/index.ts";
import { makeAttentionBench } from "./attention-bench.ts";
import type { MeasurementClock } from "./clock.ts";
import {
  FIRST_SHARE,
  newTrials,
  repeatTrials,
  runTrials,
  trialsLine,
  type Trials,
} from "./trials.ts";

export type AttentionJob = {
  readonly use: AttentionUse;
  readonly first: AttentionVariant;
  readonly candidates: readonly AttentionVariant[];
};

export type AttentionTuneOptions = {
  readonly shape: AttentionShape;
  readonly jobs: readonly AttentionJob[];
  readonly budgetMs: number;
  readonly submitWhileWaiting: boolean;
  /** Keeps measurements apart from other work; waiting does not count against the budget. */
  readonly clock: MeasurementClock;
  readonly onProgress?: (done: number) => void;
};

export type TunedAttention = {
  readonly winner: AttentionVariant;
  /** Fastest first; empty where the budget ended before two were measured. */
  readonly timings: readonly { readonly variant: AttentionVariant; readonly ms: number }[];
  /** Candidates whose results disagreed with the reference, or that did not compile. */
  readonly rejected: readonly string[];
};

/**
 * For timing the close candidates again, even where compiling has used up the budget: a winner of
 * one measurement, taken while the machine was busy, would be stored for days.
 */
const REPEAT_MS = 200;

/**
 * One result for each job, within about `budgetMs`. What the budget does not reach keeps the first
 * guess without timings.
 */
export async function tuneAttention(
  device: GPUDevice,
  { shape, jobs, budgetMs, submitWhileWaiting, clock, onProgress }: AttentionTuneOptions,
): Promise<TunedAttention[]> {
  const start = clock.now();
  const end = start + budgetMs * FIRST_SHARE;
  const all = jobs.map(({ first }) => newTrials(first));
  try {
    for (const [i, { use, first, candidates }] of jobs.entries()) {
      await clock.quiet();
      const until = clock.now() + (end - clock.now()) / (jobs.length - i);
      const others = candidates.filter(
        (variant) => attentionName(variant) !== attentionName(first),
      );
      if (clock.now() < until) {
        const bench = makeAttentionBench(device, shape, use, submitWhileWaiting, clock);
        await runTrials(all[i]!, bench, others, until, clock);
      }
      onProgress?.(i + 1);
    }
    await repeatTrials(all, Math.max(start + budgetMs, clock.now() + REPEAT_MS), clock);
  } finally {
    for (const { bench } of all) bench?.destroy();
  }
  return all.map(result);
}

function result({ first, timings, rejected }: Trials<AttentionVariant>): TunedAttention {
  // One measurement alone compares nothing.
  if (timings.length + rejected.length < 2) return unmeasuredAttention(first);
  return { winner: timings[0]?.variant ?? first, timings, rejected };
}

/** The first guess, as a result. */
export function unmeasuredAttention(winner: AttentionVariant): TunedAttention {
  return { winner, timings: [], rejected: [] };
}

/** One line for people: the winner, and the others beside it. */
export function attentionLine(
  { heads, keyValueHeads, headSize }: AttentionShape,
  tuned: Readonly<Record<AttentionUse, TunedAttention>>,
): string {
  const parts = ATTENTION_USES.map((use) => {
    const { winner, timings } = tuned[use];
    const best = timings[0];
    if (best === undefined) return `${use}: ${attentionName(winner)} (not measured)`;
    const entrants = timings.map(({ variant, ms }) => ({
      name: attentionName(variant),
      speed: 1 / ms,
    }));
    return `${use}: ${trialsLine(duration(best.ms), entrants)}`;
  });
  return `attention ${heads}/${keyValueHeads}x${headSize} ${parts.join(" | ")}`;
}

const duration = (ms: number) => (ms < 1 ? `${(1000 * ms).toFixed(0)} µs` : `${ms.toFixed(1)} ms`);
