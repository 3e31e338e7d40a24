/** The forecast of throttling: on traces without noise, with noise, and on noise alone. */
import { describe, expect, test } from "vitest";
import {
  FORECAST_AHEAD_MS,
  msUntilRatio,
  ratioAhead,
  THROTTLED_RATIO,
  type ThrottleForecast,
} from "../../src/shared/index.ts";
import { fitForecast, type RatioSample } from "../../src/telemetry/fit-forecast.ts";
import { randomFrom } from "../../tools/placement/random.ts";

const INTERVAL_MS = 2000;

type Trace = {
  readonly seed?: number;
  /** Standard deviation of the noise, as a part of the value. */
  readonly noise?: number;
  /** Correlation of a sample's noise with the one before. */
  readonly memory?: number;
  readonly samples?: number;
  readonly valueAt: (timeMs: number) => number;
};

function trace({ seed = 1, noise = 0, memory = 0, samples = 90, valueAt }: Trace): RatioSample[] {
  const { between } = randomFrom(seed);
  const random = () => between(0, 1);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  let error = 0;
  return Array.from({ length: samples }, (_, index) => {
    error = memory * error + Math.sqrt(1 - memory ** 2) * normal() * noise;
    const atMs = index * INTERVAL_MS;
    return { atMs, ratio: valueAt(atMs) * (1 + error) };
  });
}

/** A device that is cool until `startMs` and then heats up from 1 to `limit`. */
function heating(limit: number, timeConstantMs: number, startMs = 0) {
  return (timeMs: number) =>
    limit - (limit - 1) * Math.exp(-Math.max(0, timeMs - startMs) / timeConstantMs);
}

function warns(forecast: ThrottleForecast | null): boolean {
  const inMs = forecast && msUntilRatio(forecast, THROTTLED_RATIO);
  return inMs !== null && inMs <= FORECAST_AHEAD_MS;
}

/** The forecast after each sample, as a device makes it. */
function forecasts(samples: readonly RatioSample[]): (ThrottleForecast | null)[] {
  return samples.map((_, index) => fitForecast(samples.slice(0, index + 1)));
}

describe("fitForecast", () => {
  test("without noise, it finds the curve", () => {
    const samples = trace({ samples: 60, valueAt: heating(2.2, 40_000) });
    const forecast = fitForecast(samples);
    expect(forecast?.limit).toBeCloseTo(2.2, 1);
    expect(forecast!.timeConstantMs / 40_000).toBeCloseTo(1, 0);
    expect(forecast?.ratio).toBeCloseTo(samples.at(-1)!.ratio, 1);
  });

  test.each([
    { limit: 2.2, timeConstantMs: 60_000, noise: 0.05 },
    { limit: 1.8, timeConstantMs: 30_000, noise: 0.03 },
    { limit: 1.6, timeConstantMs: 60_000, noise: 0.03 },
    { limit: 2.5, timeConstantMs: 120_000, noise: 0.05 },
  ])("it warns before the device is slow: %j", ({ limit, timeConstantMs, noise }) => {
    const startMs = 20_000;
    const valueAt = heating(limit, timeConstantMs, startMs);
    const crossingMs = startMs + timeConstantMs * Math.log((limit - 1) / (limit - THROTTLED_RATIO));
    for (let seed = 1; seed <= 20; seed += 1) {
      const samples = trace({ seed, noise, valueAt });
      const first = samples[forecasts(samples).findIndex(warns)];
      expect(first?.atMs, `seed ${seed}`).toBeGreaterThan(startMs);
      expect(first?.atMs, `seed ${seed}`).toBeLessThan(crossingMs);
    }
  });

  test.each([
    { name: "little noise", level: 1, noise: 0.05, memory: 0 },
    { name: "much noise", level: 1, noise: 0.2, memory: 0 },
    { name: "noise just below the threshold", level: 1.4, noise: 0.07, memory: 0 },
    { name: "noise with a memory", level: 1, noise: 0.1, memory: 0.5 },
  ])("it never warns of $name", ({ level, noise, memory }) => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const samples = trace({ seed, noise, memory, valueAt: () => level });
      expect(forecasts(samples).some(warns), `seed ${seed}`).toBe(false);
    }
  });

  test("single slow samples, and a device that cools down, are no forecast", () => {
    const spikes = trace({ noise: 0.03, valueAt: (ms) => (ms % 26_000 === 0 ? 3 : 1) });
    expect(forecasts(spikes).some(warns)).toBe(false);
    const cooling = trace({ noise: 0.03, valueAt: (ms) => 1 + Math.exp(-ms / 40_000) });
    expect(forecasts(cooling).every((forecast) => forecast === null)).toBe(true);
  });

  test("a few samples, and samples without noise or rise, are no forecast", () => {
    expect(fitForecast([])).toBeNull();
    expect(fitForecast(trace({ samples: 5, valueAt: heating(3, 5000) }))).toBeNull();
    expect(fitForecast(trace({ valueAt: () => 1 }))).toBeNull();
  });
});

describe("what a forecast says", () => {
  const forecast = { ratio: 1.2, limit: 2, timeConstantMs: 30_000 };

  test("the ratio rises to its limit", () => {
    expect(ratioAhead(forecast, 0)).toBeCloseTo(1.2);
    expect(ratioAhead(forecast, 30_000)).toBeCloseTo(2 - 0.8 / Math.E);
    expect(ratioAhead(forecast, 1e9)).toBeCloseTo(2);
  });

  test("the time until a threshold is when the ratio reaches it", () => {
    const inMs = msUntilRatio(forecast, 1.5)!;
    expect(ratioAhead(forecast, inMs)).toBeCloseTo(1.5);
    expect(msUntilRatio(forecast, 1.1)).toBe(0);
    expect(msUntilRatio(forecast, 2)).toBeNull();
  });
});
