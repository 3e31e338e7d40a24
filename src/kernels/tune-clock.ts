/**
 * How long recorded work takes on a device. Wall-clock: timestamps exist only at
 * pass boundaries, and not on every adapter.
 */
import { nudged } from "./nudge.ts";

/** Resolves when all submitted work is done; `nudge` where the browser would wait (nudge.ts). */
export async function workDone(device: GPUDevice, nudge: boolean): Promise<void> {
  const done = device.queue.onSubmittedWorkDone();
  await (nudge ? nudged(device, done) : done);
}

/** Long enough that the submit and the clock's step do not count. */
const MEASURE_MS = 12;
const MOST_REPEATS = 200;

/**
 * Milliseconds of one `record`: the least of `runs`, each of as many as fill the clock. The first
 * is not counted: some drivers compile then. Stops early when it is over `hopelessMs`, twice: a
 * browser that is slow to tell that work is done adds tens of milliseconds (Firefox: 30).
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
  const hopeless = () => totalMs > hopelessMs + MEASURE_MS / 2;
  if (hopeless()) totalMs = Math.min(totalMs, await run(repeats));
  if (hopeless()) return totalMs;
  while (totalMs < MEASURE_MS && repeats < MOST_REPEATS) {
    const wanted = Math.ceil((repeats * MEASURE_MS * 1.2) / Math.max(totalMs, 0.1));
    repeats = Math.min(MOST_REPEATS, Math.max(2 * repeats, wanted));
    totalMs = await run(repeats);
  }
  let best = totalMs;
  for (let i = 1; i < runs; i++) best = Math.min(best, await run(repeats));
  return best / repeats;
}

/** The other work of a device that measurements must not mix with. */
export type OtherWork = {
  /** Rises with each piece of it. */
  readonly count: number;
  /** Resolves when there has been none for a moment; rejects when there will be no device to measure. */
  quiet(): Promise<void>;
};

/** Measurements that other work falls into are taken again, so often. */
const RETRIES = 4;

/** Times measurements between other work; `now` stands still while they wait for it. */
export class TuneClock {
  readonly #other: OtherWork | null;
  #waitedMs = 0;

  constructor(other: OtherWork | null = null) {
    this.#other = other;
  }

  now(): number {
    return performance.now() - this.#waitedMs;
  }

  /** Waits until the device has no other work; that is not of the budget. */
  async quiet(): Promise<void> {
    const start = performance.now();
    await this.#other?.quiet();
    this.#waitedMs += performance.now() - start;
  }

  async undisturbed(measure: () => Promise<number>): Promise<number> {
    if (this.#other === null) return measure();
    for (let tries = 0; ; tries++) {
      await this.quiet();
      const before = this.#other.count;
      const ms = await measure();
      if (this.#other.count === before || tries === RETRIES) return ms;
    }
  }
}
