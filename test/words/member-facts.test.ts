/** What a member's card says about its device's state. */
import { describe, expect, test } from "vitest";
import type { DeviceState } from "../../src/shared/index.ts";
import { deviceFacts, describeForecast, signalFacts } from "../../src/words/index.ts";

const device: DeviceState = {
  memoryBudgetBytes: 1e9,
  memoryUsedBytes: 1e8,
  tokensPerSecond: 10,
  stepMs: 20,
  busyFraction: 0.5,
  throttleRatio: 1,
  pressure: null,
  batteryLevel: null,
  batteryCharging: null,
  visible: true,
  updatedAtMs: 0,
};

describe("describeForecast", () => {
  test.each([
    [
      { ratio: 1.2, limit: 2, timeConstantMs: 60_000 },
      "Slowing down: in 29 s, a step will take 1.50 times as long as usual, and 2.00 times as long if the trend continues.",
    ],
    [
      { ratio: 1.7, limit: 2.1, timeConstantMs: 60_000 },
      "Slowing down: a step takes 1.70 times as long as usual, and 2.10 times as long if the trend continues.",
    ],
    [{ ratio: 1.2, limit: 1.4, timeConstantMs: 60_000 }, null],
    [{ ratio: 1.2, limit: 1.6, timeConstantMs: 60_000 }, null],
  ])("%j", (forecast, sentence) => {
    expect(describeForecast(forecast)).toBe(sentence);
  });
});

describe("signalFacts", () => {
  const valuesOf = (state: DeviceState) =>
    Object.fromEntries(signalFacts(state).map(([label, value]) => [label, value]));

  test("what a browser does not report is not available, and what is used instead is named", () => {
    expect(valuesOf(device)).toEqual({
      Temperature: "not available in browsers; inferred from slowdown",
      Slowdown: "step time over the usual step time",
      "GPU utilization": "not available; estimated from step times",
      "GPU memory in use": "not available in browsers; estimated from this tab's allocations",
      "Compute pressure": "not available; inferred from slowdown",
      Battery: "not available; counts as plugged in",
    });
  });

  test("what it reports is shown", () => {
    const full = {
      ...device,
      busySource: "timestamps",
      pressure: "fair",
      batteryLevel: 0.8,
    } as const;
    expect(valuesOf(full)).toMatchObject({
      "GPU utilization": "GPU timestamps",
      "Compute pressure": "fair",
      Battery: "80%",
    });
  });
});

test("deviceFacts leaves out what is not reported, and marks what needs attention", () => {
  expect(deviceFacts(device).map(([label]) => label)).toEqual(["busy", "slowdown"]);
  const strained = { ...device, throttleRatio: 1.3, pressure: "critical", visible: false } as const;
  expect(deviceFacts(strained)).toEqual([
    ["busy", "50%"],
    ["slowdown", "×1.30", true],
    ["pressure", "critical", true],
    ["tab", "hidden", true],
  ]);
});
