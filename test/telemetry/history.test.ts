import { describe, expect, test } from "vitest";
import type { DeviceState } from "../../src/shared/member.ts";
import { DeviceHistory, HISTORY_SAMPLES, trendOf } from "../../src/telemetry/history.ts";

const stateAt = (updatedAtMs: number, stepMs: number): DeviceState => ({
  memoryBudgetBytes: 1,
  memoryUsedBytes: 2,
  tokensPerSecond: 3,
  stepMs,
  busyFraction: 0.5,
  throttleRatio: 1,
  pressure: null,
  batteryLevel: null,
  batteryCharging: null,
  visible: true,
  updatedAtMs,
});

describe("DeviceHistory", () => {
  test("gives the samples oldest first, before and after the ring is full", () => {
    const history = new DeviceHistory(3);
    for (const time of [10, 20]) history.add(stateAt(time, time / 10));
    expect([...history.series("stepMs").values]).toEqual([1, 2]);
    for (const time of [30, 40]) history.add(stateAt(time, time / 10));
    expect([...history.series("stepMs").timesMs]).toEqual([20, 30, 40]);
    expect([...history.series("stepMs").values]).toEqual([2, 3, 4]);
    expect([...history.series("memoryUsedBytes").values]).toEqual([2, 2, 2]);
    expect(history.length).toBe(3);
  });

  test("a trend looks only as far back as it is asked to", () => {
    const history = new DeviceHistory();
    for (let i = 0; i < 10; i += 1) history.add(stateAt(i * 1000, 100 - 5 * i));
    for (let i = 10; i < 20; i += 1) history.add(stateAt(i * 1000, 50));
    expect(history.trend("stepMs", 60_000).direction).toBe("falling");
    expect(history.trend("stepMs", 5_000)).toEqual({ direction: "steady", change: 0 });
  });

  test("100 members' histories stay below the bound of 50 MB", () => {
    const bytes = (HISTORY_SAMPLES * 6 * 8 + 200) * 100;
    const before = process.memoryUsage().arrayBuffers;
    const histories = Array.from({ length: 100 }, () => new DeviceHistory());
    const grown = process.memoryUsage().arrayBuffers - before;
    expect(histories).toHaveLength(100);
    expect(grown).toBeLessThan(bytes);
    expect(grown).toBeLessThan(50e6);
  });
});

describe("trendOf", () => {
  const times = Float64Array.of(0, 1000, 2000, 3000);

  test("is the change along the line, relative to the mean", () => {
    // 10, 12, 14, 16: the line rises by 6, the mean is 13
    const { direction, change } = trendOf(times, Float64Array.of(10, 12, 14, 16));
    expect(direction).toBe("rising");
    expect(change).toBeCloseTo(6 / 13);
  });

  test("is steady for noise, for one sample, and for none", () => {
    expect(trendOf(times, Float64Array.of(10, 10.2, 9.9, 10.1)).direction).toBe("steady");
    expect(trendOf(times.slice(0, 1), Float64Array.of(4)).direction).toBe("steady");
    expect(trendOf(new Float64Array(0), new Float64Array(0)).direction).toBe("steady");
  });
});
