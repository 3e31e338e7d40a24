/** When empty command lists are submitted while work is pending, under a virtual clock. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ExpectedWait, MAX_SUBMITS } from "../../src/kernels/core/submit-while-waiting.ts";

/** Virtual milliseconds that pass each time the clock is read. */
const TICK_MS = 0.05;

let nowMs = 0;
beforeEach(() => {
  nowMs = 0;
  vi.spyOn(performance, "now").mockImplementation(() => (nowMs += TICK_MS));
});
afterEach(() => vi.restoreAllMocks());

/** A device whose work ends at `endsAtMs`, which it notices only when something is submitted. */
function deviceWithWork(endsAtMs: number) {
  const submittedAtMs: number[] = [];
  let finish: (value: string) => void = () => undefined;
  const pending = new Promise<string>((resolve) => (finish = resolve));
  const submit = () => {
    submittedAtMs.push(nowMs);
    if (nowMs >= endsAtMs) finish("done");
  };
  const device = { queue: { submit } } as unknown as GPUDevice;
  return { device, pending, submittedAtMs, finish };
}

/** Work of so many milliseconds; resolves with how many passed until it was noticed. */
async function settleWork(expected: ExpectedWait, ms: number): Promise<number> {
  const start = nowMs;
  const { device, pending } = deviceWithWork(start + ms);
  await expected.settle(device, pending);
  return nowMs - start;
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("submitting while waiting", () => {
  test("begins shortly before the work is expected to end", async () => {
    const expected = new ExpectedWait();
    await settleWork(expected, 20);
    await settleWork(expected, 20);
    const start = nowMs;
    const { device, pending, submittedAtMs } = deviceWithWork(start + 20);
    await expected.settle(device, pending);
    expect(submittedAtMs[0]! - start).toBeGreaterThanOrEqual(17.5);
    expect(submittedAtMs.at(-1)! - start).toBeLessThan(21.5);
  });

  test("near the expected end, leaves gaps of 0.2 ms", async () => {
    const expected = new ExpectedWait();
    for (let i = 0; i < 3; i += 1) await settleWork(expected, 2);
    const { device, pending, submittedAtMs } = deviceWithWork(nowMs + 2.4);
    await expected.settle(device, pending);
    const gaps = submittedAtMs.slice(1).map((ms, i) => ms - submittedAtMs[i]!);
    expect(Math.max(...gaps)).toBeLessThan(0.27);
  });

  test("leaves at least 0.2 ms between submits, more and more of it", async () => {
    const { device, pending, submittedAtMs } = deviceWithWork(10);
    await new ExpectedWait().settle(device, pending);
    const gaps = submittedAtMs.slice(1).map((ms, i) => ms - submittedAtMs[i]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0.2 - 1e-9);
    expect(gaps.at(-1)).toBeGreaterThan(2 * gaps[0]!);
  });

  test("stops after a bounded number of submits; the result still arrives", async () => {
    const { device, pending, submittedAtMs, finish } = deviceWithWork(Infinity);
    const result = new ExpectedWait().settle(device, pending);
    while (submittedAtMs.length < MAX_SUBMITS) await turns(1);
    await turns(1000);
    expect(submittedAtMs).toHaveLength(MAX_SUBMITS);
    finish("noticed by the browser");
    expect(await result).toBe("noticed by the browser");
  });

  test("learns how long the work takes, and adapts when it takes less", async () => {
    const expected = new ExpectedWait();
    await settleWork(expected, 8);
    await settleWork(expected, 8);
    expect(expected.ms).toBeGreaterThanOrEqual(8);
    expect(expected.ms).toBeLessThan(10);
    // The first wait finds the work long over; the next ones begin early enough.
    for (let i = 0; i < 4; i += 1) await settleWork(expected, 2);
    expect(expected.ms).toBeLessThan(2.6);
  });

  test("a first run that compiles, and one slow run, do not delay what is noticed afterwards", async () => {
    const expected = new ExpectedWait();
    await settleWork(expected, 24);
    expect(await settleWork(expected, 5)).toBeLessThan(6.5);
    await settleWork(expected, 25);
    expect(await settleWork(expected, 5)).toBeLessThan(12);
    await settleWork(expected, 5);
    expect(await settleWork(expected, 5)).toBeLessThan(6.5);
  });

  test("passes a failure on", async () => {
    const { device } = deviceWithWork(Infinity);
    const failed = new ExpectedWait().settle(device, Promise.reject(new Error("lost")));
    await expect(failed).rejects.toThrow("lost");
  });
});
