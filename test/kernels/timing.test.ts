/** How often work is repeated, and which sample counts, under a virtual clock. */
import { expect, test } from "vitest";
import { timeRepeats } from "../../src/kernels/core/timing.ts";

/** A machine that takes 2 ms for a repeat after a fixed overhead, with its own clock. */
function machine(overheadMs: number, slowdowns: readonly number[] = []) {
  let clock = 0;
  let runs = 0;
  const run = (repeats: number) => {
    const ms = (overheadMs + repeats * 2) * (slowdowns[runs++ % (slowdowns.length || 1)] ?? 1);
    clock += ms;
    return Promise.resolve(ms);
  };
  return { run, now: () => clock, elapsed: () => clock };
}
const options = { overheadMs: 1, maxRepeats: 64, budgetMs: 120 };

test("the overhead is subtracted", async () => {
  expect(await timeRepeats({ ...options, ...machine(1) })).toBeCloseTo(2);
});

test("the fastest sample counts: a busy moment does not", async () => {
  const busy = machine(1, [1, 3, 1.7, 1, 2.5]);
  expect(await timeRepeats({ ...options, ...busy })).toBeCloseTo(2);
});

test("the budget is exceeded only by the sample in progress", async () => {
  const timed = machine(1);
  await timeRepeats({ ...options, ...timed });
  expect(timed.elapsed()).toBeLessThan(120 + 30);
  const slow = machine(5000);
  await timeRepeats({ ...options, ...slow });
  expect(slow.elapsed()).toBe(2 * 5002); // to warm up, and one sample
});

test("a clock that does not advance gives no zero", async () => {
  let now = 0;
  const run = () => Promise.resolve(0);
  const ms = await timeRepeats({ ...options, run, now: () => (now += 10) });
  expect(ms).toBeGreaterThan(0);
});

test("without a budget, `minSamples` samples are taken once they are long enough", async () => {
  const timed = machine(0);
  const runs: number[] = [];
  const run = (repeats: number) => {
    runs.push(repeats);
    return timed.run(repeats);
  };
  expect(await timeRepeats({ run, now: timed.now, minSamples: 2 })).toBeCloseTo(2);
  // To warm up, to estimate, and two samples of at least 12 ms.
  expect(runs).toEqual([1, 1, 8, 8]);
});
