/**
 * The device monitor of one tab: combines the load of the shard's worker and the
 * browser's readings into one DeviceState. Knows neither worker nor room; the caller
 * decides when to collect.
 */
import type { DeviceState, StageSample, ThrottleForecast } from "../shared/index.ts";
import { FORECAST_WINDOW_MS, fitForecast, type RatioSample } from "./fit-forecast.ts";
import type { SourceReadings } from "./sources.ts";
import { nextThrottleRatio } from "./throttle.ts";

type LoadSample = Omit<StageSample, "rows">;

/** Without a step for so long, a device has begun to cool down. */
const PAUSE_MS = 15_000;
/** A window at two per second; the fit of more would cost more than it is worth. */
const MAX_SAMPLES = 360;

export type MonitorParts = {
  /** Null while no shard is loaded. */
  sampleWork(): Promise<LoadSample | null>;
  readSources(): SourceReadings;
  memoryBudgetBytes(): number;
  /** The predicted time of a decode step of the loaded shard; null without one. */
  predictedStepMs(): number | null;
  /** Milliseconds since 1970. */
  now(): number;
};

export class DeviceMonitor {
  readonly #parts: MonitorParts;
  #collecting: Promise<DeviceState> | null = null;
  #throttleRatio: number | null = null;
  /** Of the loaded shard, not smoothed, oldest first. */
  #ratios: readonly RatioSample[] = [];
  #stepMs = 0;
  #predictedMs: number | null = null;

  constructor(parts: MonitorParts) {
    this.#parts = parts;
  }

  /**
   * The state since the last call. A call before the worker has answered returns the same
   * promise, so that a slow worker gets no queue of requests. Rejects if the worker does.
   */
  collect(): Promise<DeviceState> {
    this.#collecting ??= this.#parts
      .sampleWork()
      .then((work) => this.#stateOf(work))
      .finally(() => (this.#collecting = null));
    return this.#collecting;
  }

  #stateOf(work: LoadSample | null): DeviceState {
    const parts = this.#parts;
    const updatedAtMs = parts.now();
    const predictedMs = parts.predictedStepMs();
    // Another shard has another prediction, to which the old ratio does not apply.
    if (predictedMs !== this.#predictedMs) {
      this.#throttleRatio = null;
      this.#ratios = [];
    }
    this.#predictedMs = predictedMs;
    this.#throttleRatio = nextThrottleRatio(this.#throttleRatio, work?.stepMs ?? null, predictedMs);
    this.#ratios = withSample(this.#ratios, updatedAtMs, work?.stepMs ?? null, predictedMs);
    this.#stepMs = work === null ? 0 : (work.stepMs ?? this.#stepMs);
    return {
      memoryBudgetBytes: parts.memoryBudgetBytes(),
      memoryUsedBytes: work?.memoryUsedBytes ?? 0,
      tokensPerSecond: work?.tokensPerSecond ?? 0,
      stepMs: this.#stepMs,
      busyFraction: Math.min(1, Math.max(0, work?.busyFraction ?? 0)),
      busySource: work?.busySource ?? "steps",
      throttleRatio: this.#throttleRatio ?? 1,
      forecast: this.#forecast(updatedAtMs),
      ...parts.readSources(),
      updatedAtMs,
    };
  }

  /** None of a device that no longer computes: it cools down. */
  #forecast(nowMs: number): ThrottleForecast | null {
    const newest = this.#ratios.at(-1)?.atMs ?? -Infinity;
    return nowMs - newest > PAUSE_MS ? null : fitForecast(this.#ratios);
  }
}

/** The samples of the window with the newest one, if there is one. */
function withSample(
  samples: readonly RatioSample[],
  atMs: number,
  stepMs: number | null,
  predictedMs: number | null,
): readonly RatioSample[] {
  if (stepMs === null || predictedMs === null || predictedMs <= 0) return samples;
  const kept = samples.filter((sample) => atMs - sample.atMs <= FORECAST_WINDOW_MS);
  return [...kept, { atMs, ratio: stepMs / predictedMs }].slice(-MAX_SAMPLES);
}
