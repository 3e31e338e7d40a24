import { describe, expect, test } from "vitest";
import { DeviceState } from "../../src/shared/member.ts";
import { DeviceMonitor, type MonitorParts } from "../../src/telemetry/monitor.ts";

const busy = {
  busyFraction: 0.5,
  busySource: "timestamps" as const,
  stepMs: 20,
  tokensPerSecond: 7,
  memoryUsedBytes: 1000,
};

function monitored(changes: Partial<MonitorParts> = {}) {
  return new DeviceMonitor({
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
    ...changes,
  });
}

describe("DeviceMonitor", () => {
  test("combines worker, browser, and prediction into one device state", async () => {
    const state = await monitored().collect();
    expect(state).toEqual({
      memoryBudgetBytes: 5000,
      memoryUsedBytes: 1000,
      tokensPerSecond: 7,
      stepMs: 20,
      busyFraction: 0.5,
      busySource: "timestamps",
      throttleRatio: 2,
      forecast: null,
      pressure: "fair",
      batteryLevel: 0.4,
      batteryCharging: false,
      visible: true,
      updatedAtMs: 123,
    });
    expect(DeviceState.safeParse(state).success).toBe(true);
  });

  test("a member without a shard is idle and as predicted", async () => {
    const idle = { ...busy, stepMs: null, busyFraction: 0 };
    const monitor = monitored({ sampleWork: () => Promise.resolve(idle) });
    expect(await monitor.collect()).toMatchObject({ stepMs: 0, busyFraction: 0, throttleRatio: 1 });
  });

  test("keeps the step time through a pause, and drops the ratio with the shard", async () => {
    let work: Awaited<ReturnType<MonitorParts["sampleWork"]>> = busy;
    let predicted = 10;
    const monitor = monitored({
      sampleWork: () => Promise.resolve(work),
      predictedStepMs: () => predicted,
    });
    await monitor.collect();
    work = { ...busy, stepMs: null };
    expect(await monitor.collect()).toMatchObject({ stepMs: 20, throttleRatio: 2 });
    predicted = 40;
    expect(await monitor.collect()).toMatchObject({ throttleRatio: 1 });
  });

  test("forecasts how a device that heats up slows down, and nothing once it pauses", async () => {
    let nowMs = 0;
    let isComputing = true;
    const stepMs = () => 10 * (2 - Math.exp(-nowMs / 40_000));
    const monitor = monitored({
      sampleWork: () => Promise.resolve({ ...busy, stepMs: isComputing ? stepMs() : null }),
      now: () => nowMs,
    });
    for (; nowMs < 30_000; nowMs += 2000) await monitor.collect();
    const { forecast } = await monitor.collect();
    expect(forecast?.ratio).toBeCloseTo(stepMs() / 10, 1);
    expect(forecast?.limit).toBeGreaterThan(forecast!.ratio);
    isComputing = false;
    nowMs += 20_000;
    expect(await monitor.collect()).toMatchObject({ forecast: null });
  });

  test("rejects when the worker does, and asks it again at the next call", async () => {
    let fails = true;
    const monitor = monitored({
      sampleWork: () => (fails ? Promise.reject(new Error("gone")) : Promise.resolve(busy)),
    });
    await expect(monitor.collect()).rejects.toThrow("gone");
    fails = false;
    expect(await monitor.collect()).toMatchObject({ tokensPerSecond: 7 });
  });

  test("the throttle ratio begins with the first step and moves by a fifth of the difference", async () => {
    let stepMs: number | null = 15;
    let predictedMs: number | null = 10;
    const monitor = monitored({
      sampleWork: () => Promise.resolve({ ...busy, stepMs }),
      predictedStepMs: () => predictedMs,
    });
    expect(await monitor.collect()).toMatchObject({ throttleRatio: 1.5 });
    stepMs = 25;
    expect(await monitor.collect()).toMatchObject({ throttleRatio: 1.7 });
    stepMs = null;
    expect(await monitor.collect()).toMatchObject({ throttleRatio: 1.7 });
    predictedMs = null;
    stepMs = 25;
    expect(await monitor.collect()).toMatchObject({ throttleRatio: 1 });
  });
});
