/**
 * Picks a shard's attention kernels by measurement, by the rules of tune.ts: on its real shape,
 * within a budget that counts compiling, and only those whose results agree with the reference.
 */
import type { AttentionVariant } from "./attention.ts";
import type { AttentionShape } from "./attention-shape.ts";
import { ATTENTION_USES, attentionName, type AttentionUse } from "./attention-variants.ts";
import { FIRST_SHARE, newRace, raceAgain, raceLine, runRace, type Race } from "./race.ts";
import { makeAttentionBench } from "./tune-attention-bench.ts";
import type { TuneClock } from "./tune-clock.ts";

export type AttentionJob = {
  readonly use: AttentionUse;
  readonly first: AttentionVariant;
  readonly candidates: readonly AttentionVariant[];
};

export type AttentionTuneOptions = {
  readonly shape: AttentionShape;
  readonly jobs: readonly AttentionJob[];
  readonly budgetMs: number;
  readonly nudge: boolean;
  /** Keeps measurements apart from other work; time spent waiting is not of the budget. */
  readonly clock: TuneClock;
  readonly onProgress?: (done: number) => void;
};

export type TunedAttention = {
  readonly winner: AttentionVariant;
  /** What was measured, fastest first; empty where the budget ended before two were. */
  readonly timings: readonly { readonly variant: AttentionVariant; readonly ms: number }[];
  /** Candidates whose results disagreed with the reference, or that did not compile. */
  readonly refused: readonly string[];
};

/**
 * For timing again what came close, even where compiling has used up the budget: what won by one
 * look, in a busy moment, would be kept for days.
 */
const AGAIN_MS = 200;

/**
 * One result for each job, within about `budgetMs`. What the budget does not reach keeps the first
 * guess and has no timings.
 */
export async function tuneAttention(
  device: GPUDevice,
  { shape, jobs, budgetMs, nudge, clock, onProgress }: AttentionTuneOptions,
): Promise<TunedAttention[]> {
  const start = clock.now();
  const end = start + budgetMs * FIRST_SHARE;
  const races = jobs.map(({ first }) => newRace(first));
  try {
    for (const [i, { use, first, candidates }] of jobs.entries()) {
      await clock.quiet();
      // What is left is shared by what is still to do.
      const until = clock.now() + (end - clock.now()) / (jobs.length - i);
      const others = candidates.filter(
        (variant) => attentionName(variant) !== attentionName(first),
      );
      if (clock.now() < until) {
        const bench = makeAttentionBench(device, shape, use, nudge, clock);
        await runRace(races[i]!, bench, others, until, clock);
      }
      onProgress?.(i + 1);
    }
    await raceAgain(races, Math.max(start + budgetMs, clock.now() + AGAIN_MS), clock);
  } finally {
    for (const { bench } of races) bench?.destroy();
  }
  return races.map(result);
}

function result({ first, timings, refused }: Race<AttentionVariant>): TunedAttention {
  // One alone is no race.
  if (timings.length + refused.length < 2) return unmeasuredAttention(first);
  return { winner: timings[0]?.variant ?? first, timings, refused };
}

/** The first guess, as a result. */
export function unmeasuredAttention(winner: AttentionVariant): TunedAttention {
  return { winner, timings: [], refused: [] };
}

/** One line for people: what won, and how the others did. */
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
    return `${use}: ${raceLine(duration(best.ms), entrants)}`;
  });
  return `attention ${heads}/${keyValueHeads}x${headSize} ${parts.join(" | ")}`;
}

const duration = (ms: number) => (ms < 1 ? `${(1000 * ms).toFixed(0)} µs` : `${ms.toFixed(1)} ms`);
