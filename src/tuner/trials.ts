/**
 * How the variants of one kind of work are timed against each other: the first guess first, then
 * the other candidates while there is time, then the close ones again. Knows nothing of the work.
 */
import type { MeasurementClock } from "./clock.ts";

export type TrialBench<Variant> = {
  /** Milliseconds of the work, or why the variant cannot be used. May stop early above `cutoffMs`. */
  measure(variant: Variant, cutoffMs: number): Promise<number | string>;
  /** Once more, for a variant that was measured. */
  timeAgain(variant: Variant): Promise<number>;
  destroy(): void;
};

export type Trials<Variant> = {
  readonly first: Variant;
  /** Variants whose results agreed with the reference, fastest first. */
  readonly timings: { readonly variant: Variant; ms: number }[];
  /** Why the others cannot be used. */
  readonly rejected: string[];
  bench: TrialBench<Variant> | null;
};

/** Share of a budget for the first trials; the remainder repeats the close ones. */
const FIRST_SHARE = 0.8;
const REPEAT_ROUNDS = 3;
/** A candidate that takes this many times as long as the best is not timed again. */
const CLOSE_RATIO = 2.5;
/** In the first round: other work on the machine can make the best look this slow. */
const FIRST_CLOSE_RATIO = 20;

export type TrialJob<Variant> = {
  /** The first guess, then the others. */
  readonly candidates: readonly Variant[];
  readonly makeBench: () => TrialBench<Variant> | Promise<TrialBench<Variant>>;
};

export type TrialOptions = {
  readonly budgetMs: number;
  /** For timing close candidates again, even where compiling has used up the budget. */
  readonly minRepeatMs?: number;
  /** Keeps measurements apart from other work; waiting does not count against the budget. */
  readonly clock: MeasurementClock;
  readonly onProgress?: (done: number, total: number) => void;
};

/** Trials of each job, within about `budgetMs`. */
export async function runJobs<Variant>(
  jobs: readonly TrialJob<Variant>[],
  { budgetMs, minRepeatMs = 0, clock, onProgress }: TrialOptions,
): Promise<Trials<Variant>[]> {
  const start = clock.now();
  const end = start + budgetMs * FIRST_SHARE;
  const all = jobs.map(({ candidates }): Trials<Variant> => {
    return { first: candidates[0]!, timings: [], rejected: [], bench: null };
  });
  try {
    for (const [i, job] of jobs.entries()) {
      // Preparing waits for the device too: during an answer it would use up the whole share.
      await clock.quiet();
      if (clock.now() < end) await runTrials(all[i]!, job);
      onProgress?.(i + 1, jobs.length);
    }
    await repeatTrials(all, Math.max(start + budgetMs, clock.now() + minRepeatMs), clock);
  } finally {
    for (const { bench } of all) bench?.destroy();
  }
  return all;
}

/** Measures all candidates of a job that has begun: there are few. */
async function runTrials<Variant>(
  trials: Trials<Variant>,
  { candidates, makeBench }: TrialJob<Variant>,
): Promise<void> {
  const bench = (trials.bench = await makeBench());
  for (const variant of candidates) {
    const cutoffMs = (trials.timings[0]?.ms ?? Infinity) * CLOSE_RATIO;
    const measured = await bench.measure(variant, cutoffMs);
    if (typeof measured === "string") trials.rejected.push(measured);
    else trials.timings.push({ variant, ms: measured });
    sortTimings(trials);
  }
}

/** Times the close candidates again, all trials in turns: other work may have disturbed one of them. */
async function repeatTrials(
  all: readonly Trials<unknown>[],
  until: number,
  clock: MeasurementClock,
): Promise<void> {
  for (let round = 0; round < REPEAT_ROUNDS; round++) {
    const ratio = round === 0 ? FIRST_CLOSE_RATIO : CLOSE_RATIO;
    for (const trials of all) {
      if (clock.now() >= until) return;
      const maxMs = (trials.timings[0]?.ms ?? 0) * ratio;
      for (const timing of trials.timings.filter(({ ms }) => ms <= maxMs)) {
        timing.ms = Math.min(timing.ms, await trials.bench!.timeAgain(timing.variant));
      }
      sortTimings(trials);
    }
  }
}

const sortTimings = <Variant>({ timings }: Trials<Variant>) => timings.sort((a, b) => a.ms - b.ms);

/** For a report: the winner with its rate, and the relative speed of the others. */
export function ranking<Variant, Timing extends { readonly variant: Variant }>(
  { winner, timings }: { readonly winner: Variant; readonly timings: readonly Timing[] },
  nameOf: (variant: Variant) => string,
  rateOf: (timing: Timing) => number,
) {
  const [ratePerMs = null, ...rates] = timings.map(rateOf);
  const others = rates.map((rate, i) => ({
    name: nameOf(timings[i + 1]!.variant),
    speed: rate / ratePerMs!,
  }));
  return { winner: nameOf(winner), ratePerMs, others };
}
