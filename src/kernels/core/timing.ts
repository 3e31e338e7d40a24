/**
 * How long recorded work takes on a device. Wall-clock: timestamps exist only at
 * pass boundaries, and not on every adapter.
 */
import { ExpectedWait } from "./submit-while-waiting.ts";

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

/** Long enough that the submit and the clock's resolution are negligible. */
const MEASURE_MS = 12;
const MAX_REPEATS = 200;

/**
 * Milliseconds of one `record`: the minimum of `runs`, each with enough repeats to fill `MEASURE_MS`.
 * The first run is not counted: some drivers compile then. Stops early when the time exceeds
 * `cutoffMs` twice: a browser that notices late that work is done adds tens of milliseconds
 * (Firefox: 30).
 */
export async function timeOf(
  device: GPUDevice,
  record: (pass: GPUComputePassEncoder) => unknown,
  { runs = 3, submitWhileWaiting = false, cutoffMs = Infinity } = {},
): Promise<number> {
  const expected = new ExpectedWait();
  const run = async (repeats: number) => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < repeats; i++) record(pass);
    pass.end();
    const commands = encoder.finish();
    const start = performance.now();
    device.queue.submit([commands]);
    await workDone(device, submitWhileWaiting, expected);
    return performance.now() - start;
  };
  await run(1);
  let repeats = 1;
  let totalMs = await run(repeats);
  const exceedsCutoff = () => totalMs > cutoffMs + MEASURE_MS / 2;
  if (exceedsCutoff()) totalMs = Math.min(totalMs, await run(repeats));
  if (exceedsCutoff()) return totalMs;
  while (totalMs < MEASURE_MS && repeats < MAX_REPEATS) {
    const wanted = Math.ceil((repeats * MEASURE_MS * 1.2) / Math.max(totalMs, 0.1));
    repeats = Math.min(MAX_REPEATS, Math.max(2 * repeats, wanted));
    totalMs = await run(repeats);
  }
  let best = totalMs;
  for (let i = 1; i < runs; i++) best = Math.min(best, await run(repeats));
  return best / repeats;
}

/** The other work of a device, which measurements must not overlap. */
export type OtherWork = {
  /** Increases with each piece of work. */
  readonly count: number;
  /** Resolves when there has been none for a moment; rejects when the device is gone. */
  quiet(): Promise<void>;
};
