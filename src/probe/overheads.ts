/** What a dispatch and a readback cost, and whether submitting while waiting helps. */
import type { Kernel } from "../kernels/index.ts";
import type { Completion } from "./completion.ts";
import { arithmeticKernel } from "./throughput.ts";
import { median } from "../shared/index.ts";
import { measureRate, prepareDispatch, type Bench } from "./bench.ts";
import emptyWgsl from "./empty.wgsl?raw";

export type Readback = {
  /** The time of a readback beyond the work that it waits for. */
  readonly readbackMs: number;
  readonly submitWhileWaitingHelps: boolean;
  /** The time of a readback of nothing: steadier than `readbackMs`, for subtracting it from samples. */
  readonly overheadMs: number;
};

/** As long as a step on a fast GPU: behind less work, Chromium notices the end at once. */
const STEP_MS = 1;
const CHAIN_THREADS = 1024;
const MAX_REPEATS = 1024;

/** Repeats of the step's work from which the time of the work itself is computed. */
const LONG = 8;

/**
 * Chromium looks again only every 2.5 ms: work that ends just before then is noticed at once. Work of
 * several lengths shows what is lost on average.
 */
const LENGTHS = [1, 1.4, 1.8, 2.2];

/** Both ways alternate; a plain readback takes up to 100 ms in Firefox, where one round is enough. */
const MIN_ROUNDS = 3;
const MAX_ROUNDS = 8;
const ROUNDS_MS = 100;
const SUBMITTING_PER_ROUND = 2;
const CLEAR_GAIN_MS = 40;
const OVERHEAD_SAMPLES = 5;

/** Less than this, or than this share of a plain readback, is noise. */
const MIN_GAIN_MS = 0.3;
const MIN_GAIN_SHARE = 0.2;
/** A loss on a GPU that no other tab's work explains. */
const MAX_LOSS = 1.5;

/**
 * Whether to submit while waiting, by the medians of both ways. On a GPU the few submits cost little,
 * and other tabs' work may hide what they gain: there only a clear loss speaks against them. On a
 * software adapter they take time from the computation and must gain. Pure.
 */
export function submittingHelps(plainMs: number, submittingMs: number, software: boolean): boolean {
  if (!software) return submittingMs < MAX_LOSS * plainMs + MIN_GAIN_MS;
  return plainMs - submittingMs > Math.max(MIN_GAIN_MS, MIN_GAIN_SHARE * plainMs);
}

/**
 * Times readbacks behind work as long as a step, with and without submitting while
 * waiting (kernels/core/submit-while-waiting.ts), and leaves `completion.submitWhileWaiting` as it helps.
 */
export async function measureReadback(
  device: GPUDevice,
  completion: Completion,
  software: boolean,
): Promise<Readback> {
  // The device runs the repeats one after the other, since each writes the same buffer.
  const params = { rounds: 64, threads: CHAIN_THREADS };
  const work = await prepareDispatch(device, arithmeticKernel("f32"), params, [CHAIN_THREADS * 4]);
  const time = (submitWhileWaiting: boolean, repeats: number) => {
    completion.submitWhileWaiting = submitWhileWaiting;
    return completion.time(work.record, repeats);
  };
  const repeats = await repeatsOfStep(time);
  const lengths = LENGTHS.map((length) => ({
    repeats: Math.ceil(length * repeats),
    plain: [] as number[],
    submitting: [] as number[],
  }));
  const meanOf = (way: "plain" | "submitting") =>
    lengths.reduce((sum, length) => sum + median(length[way]), 0) / lengths.length;
  const start = performance.now();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const isEnough =
      round >= MIN_ROUNDS
        ? performance.now() - start > ROUNDS_MS
        : round > 0 && meanOf("plain") - meanOf("submitting") > CLEAR_GAIN_MS;
    if (isEnough) break;
    for (const length of lengths) {
      length.plain.push(await time(false, length.repeats));
      for (let i = 0; i < SUBMITTING_PER_ROUND; i += 1)
        length.submitting.push(await time(true, length.repeats));
    }
  }
  const helps = submittingHelps(meanOf("plain"), meanOf("submitting"), software);
  const [step] = lengths;
  const stepMs = median(helps ? step!.submitting : step!.plain);
  await time(helps, LONG * repeats);
  const longMs = Math.min(await time(helps, LONG * repeats), await time(helps, LONG * repeats));
  const nothing: number[] = [];
  while (nothing.length < OVERHEAD_SAMPLES) nothing.push(await time(helps, 0));
  work.destroy();
  return {
    overheadMs: median(nothing),
    readbackMs: Math.max(0, stepMs - Math.max(0, longMs - stepMs) / (LONG - 1)),
    submitWhileWaitingHelps: helps,
  };
}

/** How many repeats of the work take as long as a step. */
async function repeatsOfStep(
  time: (submitWhileWaiting: boolean, repeats: number) => Promise<number>,
): Promise<number> {
  await time(true, 1);
  const least = async (repeats: number) =>
    Math.min(await time(true, repeats), await time(true, repeats));
  const nothingMs = await least(0);
  let repeats = 8;
  while (repeats < MAX_REPEATS && (await least(repeats)) - nothingMs < STEP_MS) repeats *= 2;
  return repeats;
}

const emptyKernel: Kernel<null> = {
  name: "probe_empty",
  wgsl: emptyWgsl,
  packParams: () => new ArrayBuffer(16),
  workgroups: () => [1, 1, 1],
};

/** Milliseconds of one dispatch among many in a pass. */
export async function measureDispatch(bench: Bench): Promise<number> {
  const work = await prepareDispatch(bench.device, emptyKernel, null, []);
  // Fewer would be lost in the readback's jitter.
  const repeats = { minRepeats: 64, maxRepeats: 2048 };
  const dispatchesPerMs = await measureRate(bench, work.record, 1, repeats);
  work.destroy();
  return 1 / dispatchesPerMs;
}
