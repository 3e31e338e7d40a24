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
import { runJobs, trialsLine, type TrialOptions, type Trials } from "./trials.ts";

export type AttentionJob = {
  readonly use: AttentionUse;
  readonly first: AttentionVariant;
  readonly candidates: readonly AttentionVariant[];
};

export type AttentionTuneOptions = TrialOptions & {
  readonly shape: AttentionShape;
  readonly jobs: readonly AttentionJob[];
  readonly submitWhileWaiting: boolean;
};

export type TunedAttention = {
  readonly winner: AttentionVariant;
  /** Fastest first; empty where the budget ended before two were measured. */
  readonly timings: readonly { readonly variant: AttentionVariant; readonly ms: number }[];
  /** Candidates whose results disagreed with the reference, or that did not compile. */
  readonly rejected: readonly string[];
};

/** A winner of a single measurement, taken while the machine was busy, would be stored for days. */
const REPEAT_MS = 200;

/**
 * One result for each job, within about `budgetMs`. What the budget does not reach keeps the first
 * guess without timings.
 */
export async function tuneAttention(
  device: GPUDevice,
  options: AttentionTuneOptions,
): Promise<TunedAttention[]> {
  const { shape, jobs, submitWhileWaiting, clock } = options;
  const trials = await runJobs(
    jobs.map(({ use, first, candidates }) => ({
      first,
      others: candidates.filter((variant) => attentionName(variant) !== attentionName(first)),
      makeBench: () => makeAttentionBench(device, shape, use, submitWhileWaiting, clock),
    })),
    { ...options, minRepeatMs: REPEAT_MS },
  );
  return trials.map(result);
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
