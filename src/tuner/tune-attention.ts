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
import type { KernelChoice } from "../shared/index.ts";
import { makeAttentionBench } from "./attention-bench.ts";
import { ranking, runJobs, type TrialOptions, type Trials } from "./trials.ts";

export type AttentionJob = {
  readonly use: AttentionUse;
  /** The first guess, then the others. */
  readonly candidates: readonly AttentionVariant[];
};

export type AttentionTuneOptions = TrialOptions & {
  readonly shape: AttentionShape;
  readonly jobs: readonly AttentionJob[];
  readonly submitWhileWaiting: boolean;
};

export type TunedAttention = {
  readonly winner: AttentionVariant;
  /** Fastest first; empty where the budget ended before. */
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
    jobs.map(({ use, candidates }) => ({
      candidates,
      makeBench: () => makeAttentionBench(device, shape, use, submitWhileWaiting, clock),
    })),
    { ...options, minRepeatMs: REPEAT_MS },
  );
  return trials.map(result);
}

function result({ first, timings, rejected }: Trials<AttentionVariant>): TunedAttention {
  return { winner: timings[0]?.variant ?? first, timings, rejected };
}

/** The first guess, as a result. */
export function unmeasuredAttention(winner: AttentionVariant): TunedAttention {
  return { winner, timings: [], rejected: [] };
}

/** For the shard's report. */
export function attentionChoices(
  { heads, keyValueHeads, headSize }: AttentionShape,
  tuned: Readonly<Record<AttentionUse, TunedAttention>>,
): KernelChoice[] {
  return ATTENTION_USES.map((workload) => ({
    kind: "attention",
    shape: `${heads}/${keyValueHeads}x${headSize}`,
    workload,
    ...ranking(tuned[workload], attentionName, ({ ms }) => 1 / ms),
  }));
}
