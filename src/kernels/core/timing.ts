/**
 * How long work takes: repeats it until a sample is well above the clock's resolution and the fixed
 * overhead, then keeps the fastest sample, since other programs only ever slow one down. Wall-clock:
 * timestamps exist only at pass boundaries, and not on every adapter.
 */
import { ExpectedWait } from "./submit-while-waiting.ts";

export type TimingOptions = {
  /** Runs the work `repeats` times and resolves with the milliseconds it took, overhead included. */
  readonly run: (repeats: number) => Promise<number>;
  /** What a run takes beyond the work. */
  readonly overheadMs?: number;
  /** A sample takes at least this long, so that the clock's resolution and the jitter are negligible. */
  readonly sampleMs?: number;
  readonly minRepeats?: number;
  readonly maxRepeats?: number;
  readonly minSamples?: number;
  /** More samples are taken within it; fewer where a single one takes longer. */
  readonly budgetMs?: number | null;
  readonly now?: () => number;
};

/** Aims above `sampleMs`, so that a second attempt is rarely needed. */
const SAMPLE_MARGIN = 1.2;

/** A shorter run says little about how many repeats are needed. */
const MIN_CREDIBLE_MS = 1;
const MAX_GROWTH = 16;

/** After so many budgets, fewer samples than `minSamples` must do. */
const MAX_BUDGETS = 3;

/** Milliseconds of one repeat. */
export async function timeRepeats({
  run,
  overheadMs = 0,
  sampleMs = 12,
  minRepeats = 1,
  maxRepeats = 200,
  minSamples = 3,
  budgetMs = null,
  now = () => performance.now(),
}: TimingOptions): Promise<number> {
  await run(1); // some drivers compile when a pipeline first runs
  const start = now();
  let repeats = minRepeats;
  let bestMs = Infinity;
  let samples = 0;
  const isDone = () => {
    if (samples === 0) return false;
    if (budgetMs === null) return samples >= minSamples;
    return now() - start >= budgetMs * (samples < minSamples ? MAX_BUDGETS : 1);
  };
  while (!isDone()) {
    bestMs = Math.min(bestMs, netMs(await run(repeats), overheadMs));
    samples += 1;
    if (bestMs < sampleMs && repeats < maxRepeats) {
      repeats = Math.min(maxRepeats, Math.ceil(repeats * growth(bestMs, sampleMs)));
      bestMs = Infinity;
      samples = 0;
    }
  }
  return bestMs / repeats;
}

function growth(ms: number, sampleMs: number): number {
  if (ms < MIN_CREDIBLE_MS) return MAX_GROWTH;
  return Math.min(MAX_GROWTH, (SAMPLE_MARGIN * sampleMs) / ms);
}

/** Never zero or less: a clock may be coarser than the work. */
function netMs(ms: number, overheadMs: number): number {
  return Math.max(ms - overheadMs, ms * 0.05, 0.001);
}

/** Milliseconds of one `record` on the device, the submit included. */
export async function timeOf(
  device: GPUDevice,
  record: (pass: GPUComputePassEncoder) => unknown,
  { runs = 3, submitWhileWaiting = false } = {},
): Promise<number> {
  let expected = new ExpectedWait();
  let expectedRepeats = 0;
  const run = async (repeats: number) => {
    if (repeats !== expectedRepeats) expected = new ExpectedWait();
    expectedRepeats = repeats;
    const commands = recordRepeats(device, record, repeats).finish();
    const start = performance.now();
    device.queue.submit([commands]);
    await workDone(device, submitWhileWaiting, expected);
    return performance.now() - start;
  };
  return timeRepeats({ run, minSamples: runs });
}

/** An encoder with one pass of so many repeats. */
export function recordRepeats(
  device: GPUDevice,
  record: (pass: GPUComputePassEncoder) => unknown,
  repeats: number,
): GPUCommandEncoder {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (let i = 0; i < repeats; i++) record(pass);
  pass.end();
  return encoder;
}

/**
 * Resolves when all submitted work is done; `submitWhileWaiting` as in submit-while-waiting.ts.
 * `expected` is passed by callers that wait for the same work repeatedly.
 */
export async function workDone(
  device: GPUDevice,
  submitWhileWaiting: boolean,
  expected = new ExpectedWait(),
): Promise<void> {
  const done = device.queue.onSubmittedWorkDone();
  await (submitWhileWaiting ? expected.settle(device, done) : done);
}

/** The other work of a device, which measurements must not overlap. */
export type OtherWork = {
  /** Increases with each piece of work. */
  readonly count: number;
  /** Resolves when there has been none for a moment; rejects when the device is gone. */
  quiet(): Promise<void>;
};
