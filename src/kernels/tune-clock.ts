/**
 * How long recorded work takes on a device. Wall-clock: timestamps exist only at
 * pass boundaries, and not on every adapter.
 */

/**
 * Resolves when all submitted work is done. With `nudge`, empty submits while
 * waiting: Firefox completes work only on a 100 ms timer otherwise
 * (https://bugzilla.mozilla.org/show_bug.cgi?id=1870699; delete when it is fixed).
 */
export async function workDone(device: GPUDevice, nudge: boolean): Promise<void> {
  const done = device.queue.onSubmittedWorkDone();
  if (!nudge) return done;
  let waiting = true;
  const finished = done.finally(() => (waiting = false));
  while (waiting) {
    device.queue.submit([]);
    await nextTurn();
  }
  return finished;
}

/** A turn of the event loop; not a timer, which browsers clamp to 4 ms. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** Long enough that the submit and the clock's step do not count. */
const MEASURE_MS = 12;
const MOST_REPEATS = 200;

/**
 * Milliseconds of one `record`: the least of `runs`, each of as many as fill the clock. The first
 * is not counted: some drivers compile then. Stops early when it is over `hopelessMs`.
 */
export async function timeOf(
  device: GPUDevice,
  record: (pass: GPUComputePassEncoder) => unknown,
  { runs = 3, nudge = false, hopelessMs = Infinity } = {},
): Promise<number> {
  const run = async (repeats: number) => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < repeats; i++) record(pass);
    pass.end();
    const commands = encoder.finish();
    const start = performance.now();
    device.queue.submit([commands]);
    await workDone(device, nudge);
    return performance.now() - start;
  };
  await run(1);
  let repeats = 1;
  let totalMs = await run(repeats);
  if (totalMs > hopelessMs + MEASURE_MS / 2) return totalMs;
  while (totalMs < MEASURE_MS && repeats < MOST_REPEATS) {
    const wanted = Math.ceil((repeats * MEASURE_MS * 1.2) / Math.max(totalMs, 0.1));
    repeats = Math.min(MOST_REPEATS, Math.max(2 * repeats, wanted));
    totalMs = await run(repeats);
  }
  let best = totalMs;
  for (let i = 1; i < runs; i++) best = Math.min(best, await run(repeats));
  return best / repeats;
}
