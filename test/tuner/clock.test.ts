/** Measurements and other work wait for each other, under a virtual clock. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MeasurementClock } from "../../src/tuner/clock.ts";

let nowMs = 0;
beforeEach(() => {
  nowMs = 0;
  vi.spyOn(performance, "now").mockImplementation(() => nowMs);
});
afterEach(() => vi.restoreAllMocks());

test("a measurement that other work overlaps is repeated", async () => {
  const other = { count: 0, quiet: () => Promise.resolve() };
  const times = [40, 30, 10, 20];
  let tries = 0;
  const ms = await new MeasurementClock(other).undisturbed(() => {
    if (tries < 2) other.count++;
    return Promise.resolve(times[tries++]!);
  });
  expect(ms).toBe(10);
  expect(tries).toBe(3);
});

test("waiting for other work does not count as measuring", async () => {
  const quiet = () => {
    nowMs += 50;
    return Promise.resolve();
  };
  const clock = new MeasurementClock({ count: 0, quiet });
  await clock.quiet();
  expect(clock.measuredMs).toBe(0);
  await clock.undisturbed(() => Promise.resolve((nowMs += 7)));
  expect(clock.measuredMs).toBe(7);
});

test("a device that is gone rejects the measurement", async () => {
  const gone = { count: 0, quiet: () => Promise.reject(new Error("no device")) };
  const measuring = new MeasurementClock(gone).undisturbed(() => Promise.resolve(1));
  await expect(measuring).rejects.toThrow("no device");
});
