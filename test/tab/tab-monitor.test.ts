/** A tab's device state: the stage's samples, the browser's readings, and what counts as throttled. */
import { expect, test } from "vitest";
import type { StageSample } from "../../src/shared/index.ts";
import { openTabMonitor } from "../../src/tab/tab-monitor.ts";
import { modelSummary, profile } from "../../tools/room/test-data.ts";

const { measurements } = profile("a");
const model = modelSummary();
const shard = { model, first: 0, end: model.layers.length };
const scope = {
  navigator: { getBattery: () => Promise.resolve({ level: 0.4, charging: false }) },
  document: { visibilityState: "hidden" },
};

async function monitorOf(stepMs: () => number | null) {
  const sample = (): Promise<StageSample> =>
    Promise.resolve({
      rows: 1,
      busyFraction: 0.5,
      busySource: "steps",
      stepMs: stepMs(),
      tokensPerSecond: 10,
      memoryUsedBytes: 1000,
    });
  return openTabMonitor(measurements, sample, scope);
}

test("the state has the stage's work and the browser's readings", async () => {
  const monitor = await monitorOf(() => null);
  expect(await monitor.collect()).toMatchObject({
    memoryBudgetBytes: measurements?.memoryBudgetBytes,
    memoryUsedBytes: 1000,
    tokensPerSecond: 10,
    busyFraction: 0.5,
    batteryLevel: 0.4,
    batteryCharging: false,
    pressure: null,
    visible: false,
  });
  monitor.close();
});

test("a device is throttled when its steps become slower than its first ones", async () => {
  let stepMs = 30;
  const monitor = await monitorOf(() => stepMs);
  monitor.holds(shard);
  const ratio = async () => (await monitor.collect()).throttleRatio;
  for (let sample = 0; sample < 10; sample++) await ratio();
  expect(await ratio()).toBeCloseTo(1, 1);
  stepMs = 90;
  let slow = 0;
  for (let sample = 0; sample < 20; sample++) slow = await ratio();
  expect(slow).toBeCloseTo(3, 0);
});

test("after another measurement, what is normal is learned again", async () => {
  let stepMs = 30;
  const monitor = await monitorOf(() => stepMs);
  monitor.holds(shard);
  for (let sample = 0; sample < 10; sample++) await monitor.collect();
  monitor.measured({ ...measurements!, memoryBudgetBytes: 5000 });
  stepMs = 90;
  let state = await monitor.collect();
  for (let sample = 0; sample < 20; sample++) state = await monitor.collect();
  expect(state.memoryBudgetBytes).toBe(5000);
  expect(state.throttleRatio).toBeCloseTo(1, 1);
});
