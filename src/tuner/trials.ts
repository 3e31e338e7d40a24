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
  /** Both of them. */
  readonly tried: Set<Variant>;
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
  readonly first: Variant;
  readonly others: readonly Variant[];
  /** Gets all of the remaining time instead of an equal share, which might not reach its candidates. */
  readonly isContinued?: boolean;
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
  const all = jobs.map(({ first }): Trials<Variant> => {
    return { first, timings: [], rejected: [], tried: new Set(), bench: null };
  });
  try {
    for (const [i, job] of jobs.entries()) {
      // Preparing waits for the device too: during an answer it would use up the whole share.
      await clock.quiet();
      const share = job.isContinued === true ? 1 : 1 / (jobs.length - i);
      const until = clock.now() + (end - clock.now()) * share;
      if (clock.now() < until) await runTrials(all[i]!, job, until, clock);
      onProgress?.(i + 1, jobs.length);
    }
    await repeatTrials(all, Math.max(start + budgetMs, clock.now() + minRepeatMs), clock);
  } finally {
    for (const { bench } of all) bench?.destroy();
  }
  return all;
}

/** Measures the first guess and then the other candidates until the clock reaches `until`. */
async function runTrials<Variant>(
  trials: Trials<Variant>,
  { first, others, makeBench }: TrialJob<Variant>,
  until: number,
  clock: MeasurementClock,
): Promise<void> {
  const bench = (trials.bench = await makeBench());
  let lastMs = 0;
  for (const variant of [first, ...others]) {
    // A candidate takes about as long as the previous one, most of it compiling.
    const start = clock.now();
    if (start + lastMs >= until) break;
    const cutoffMs = (trials.timings[0]?.ms ?? Infinity) * CLOSE_RATIO;
    const measured = await bench.measure(variant, cutoffMs);
    if (typeof measured === "string") trials.rejected.push(measured);
    else trials.timings.push({ variant, ms: measured });
    trials.tried.add(variant);
    sortTimings(trials);
    lastMs = clock.now() - start;
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
