import { describe, expect, test, vi } from "vitest";
import { DeviceState } from "../../src/shared/member.ts";
import { DeviceMonitor, type MonitorParts } from "../../src/telemetry/monitor.ts";
import { nextThrottleRatio } from "../../src/telemetry/throttle.ts";
import type { WorkSample } from "../../src/telemetry/work-sample.ts";

const busy: WorkSample = {
  busyFraction: 0.5,
  stepMs: 20,
  tokensPerSecond: 7,
  memoryUsedBytes: 1000,
};

function monitored(changes: Partial<MonitorParts> = {}) {
  const states: DeviceState[] = [];
  const errors: string[] = [];
  const monitor = new DeviceMonitor({
    sampleWork: () => Promise.resolve(busy),
    readSources: () => ({
      pressure: "fair",
      batteryLevel: 0.4,
      batteryCharging: false,
      visible: true,
    }),
    memoryBudgetBytes: () => 5000,
    predictedStepMs: () => 10,
    now: () => 123,
    onState: (state) => states.push(state),
    onError: (message) => errors.push(message),
    ...changes,
  });
  return { monitor, states, errors };
}

describe("DeviceMonitor", () => {
  test("makes one device state of worker, browser and prediction", async () => {
    const { monitor, states } = monitored();
    await monitor.look();
    expect(states).toEqual([
      {
        memoryBudgetBytes: 5000,
        memoryUsedBytes: 1000,
        tokensPerSecond: 7,
        stepMs: 20,
        busyFraction: 0.5,
        throttleRatio: 2,
        pressure: "fair",
        batteryLevel: 0.4,
        batteryCharging: false,
        visible: true,
        updatedAtMs: 123,
      },
    ]);
    expect(DeviceState.safeParse(states[0]).success).toBe(true);
  });

  test("a member without a shard is idle, as predicted and uses no memory", async () => {
    const { monitor, states } = monitored({ sampleWork: () => Promise.resolve(null) });
    await monitor.look();
    expect(states[0]).toMatchObject({ stepMs: 0, busyFraction: 0, throttleRatio: 1 });
  });

  test("keeps the step time through a pause, and drops the ratio with the shard", async () => {
    let work: WorkSample = busy;
    let predicted = 10;
    const { monitor, states } = monitored({
      sampleWork: () => Promise.resolve(work),
      predictedStepMs: () => predicted,
    });
    await monitor.look();
    work = { ...busy, stepMs: null };
    await monitor.look();
    expect(states[1]).toMatchObject({ stepMs: 20, throttleRatio: 2 });
    predicted = 40;
    await monitor.look();
    expect(states[2]).toMatchObject({ throttleRatio: 1 });
  });

  test("leaves a look out while the worker has not answered the last one", async () => {
    let asked = 0;
    let answer: (work: WorkSample) => void = () => undefined;
    const { monitor, states } = monitored({
      sampleWork: () => {
        asked += 1;
        return new Promise((resolve) => (answer = resolve));
      },
    });
    const first = monitor.look();
    await monitor.look();
    expect(asked).toBe(1);
    answer(busy);
    await first;
    expect(states).toHaveLength(1);
  });

  test("says that the worker failed, and looks again", async () => {
    let fails = true;
    const { monitor, states, errors } = monitored({
      sampleWork: () => (fails ? Promise.reject(new Error("gone")) : Promise.resolve(busy)),
    });
    await monitor.look();
    expect(errors).toEqual(["The device's state could not be read: Error: gone"]);
    fails = false;
    await monitor.look();
    expect(states).toHaveLength(1);
  });

  test("looks at once and then every interval until it is stopped", async () => {
    vi.useFakeTimers();
    const { monitor, states } = monitored();
    monitor.start(2000);
    await vi.advanceTimersByTimeAsync(4100);
    expect(states).toHaveLength(3);
    monitor.start(500);
    await vi.advanceTimersByTimeAsync(600);
    expect(states).toHaveLength(5);
    monitor.stop();
    await vi.advanceTimersByTimeAsync(5000);
    expect(states).toHaveLength(5);
    vi.useRealTimers();
  });
});

describe("nextThrottleRatio", () => {
  test("starts at the first ratio and moves a fifth of the way", () => {
    expect(nextThrottleRatio(null, 15, 10)).toBe(1.5);
    expect(nextThrottleRatio(1, 20, 10)).toBeCloseTo(1.2);
  });

  test("stays as it is without a step or a prediction", () => {
    expect(nextThrottleRatio(1.3, null, 10)).toBe(1.3);
    expect(nextThrottleRatio(1.3, 10, null)).toBe(1.3);
    expect(nextThrottleRatio(null, 10, 0)).toBe(null);
  });
});
