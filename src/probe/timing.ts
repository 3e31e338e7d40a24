/**
 * Measures a rate in a bounded time: finds how often the work must be repeated
 * for a sample to be well above the clock and the overhead, then takes samples
 * and keeps the fastest. Other programs only ever slow a sample down, so the
 * fastest one repeats best. Knows no GPU; the caller runs the work.
 */
export type RateOptions = {
  /** Runs the work `repeats` times and resolves with the milliseconds it took, overhead included. */
  readonly run: (repeats: number) => Promise<number>;
  /** What one repeat does: bytes, operations. */
  readonly unitsPerRepeat: number;
  /** What a run of no work takes. */
  readonly overheadMs: number;
  /** To begin with; 1 where it is not given. */
  readonly leastRepeats?: number;
  readonly maxRepeats: number;
  /** Time for all samples; one sample is always taken. */
  readonly budgetMs: number;
  readonly now?: () => number;
};

/** Long enough that the overhead's jitter (some 0.1 ms) is within 2 % of it. */
const SAMPLE_MS = 12;

/** A run shorter than this says little of how many repeats are needed. */
const CREDIBLE_MS = 1;
const MAX_GROWTH = 16;

/** One sample may fall into a busy moment; of three, one seldom does not. */
const LEAST_SAMPLES = 3;

/** Where a single run takes longer than the budget, fewer samples must do. */
const LATEST = 3;

/** Units per millisecond. */
export async function measureRate(options: RateOptions): Promise<number> {
  const {
    run,
    unitsPerRepeat,
    overheadMs,
    leastRepeats = 1,
    maxRepeats,
    budgetMs,
    now = () => performance.now(),
  } = options;
  await run(1); // the first run of a pipeline pays for what the driver put off
  const start = now();
  let repeats = leastRepeats;
  let bestMs = Infinity;
  let samples = 0;
  const wanted = () => {
    const elapsed = now() - start;
    if (samples === 0) return true;
    return elapsed < budgetMs || (samples < LEAST_SAMPLES && elapsed < LATEST * budgetMs);
  };
  while (wanted()) {
    bestMs = Math.min(bestMs, netMs(await run(repeats), overheadMs));
    samples += 1;
    if (bestMs < SAMPLE_MS / 2 && repeats < maxRepeats) {
      repeats = Math.min(maxRepeats, Math.ceil(repeats * growth(bestMs)));
      bestMs = Infinity;
      samples = 0;
    }
  }
  return (unitsPerRepeat * repeats) / bestMs;
}

function growth(ms: number): number {
  return ms < CREDIBLE_MS ? MAX_GROWTH : Math.min(MAX_GROWTH, SAMPLE_MS / ms);
}

/** Never zero or less: a clock may be coarser than the work. */
function netMs(ms: number, overheadMs: number): number {
  return Math.max(ms - overheadMs, ms * 0.05, 0.001);
}

/** The middle of the samples; the lower one of two. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new RangeError("a median needs a sample");
  return middle;
}
