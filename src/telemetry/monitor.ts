/**
 * The device monitor of one tab: combines the load of the shard's worker and the
 * browser's readings into one DeviceState. Knows neither worker nor room; the caller
 * decides when to collect.
 */
import type { DeviceState, StageSample, ThrottleForecast } from "../shared/index.ts";
import { FORECAST_WINDOW_MS, fitForecast, type RatioSample } from "./fit-forecast.ts";
import type { SourceReadings } from "./sources.ts";

type LoadSample = Omit<StageSample, "rows">;

/** Without a step for so long, a device has begun to cool down. */
const PAUSE_MS = 15_000;
/** Weight of the newest step in the throttle ratio: after five samples, two thirds of a change show. */
const WEIGHT = 0.2;
/** A window at two per second; the fit of more would cost more than it is worth. */
const MAX_SAMPLES = 360;

export type MonitorParts = {
  sampleWork(): Promise<LoadSample>;
  readSources(): SourceReadings;
  memoryBudgetBytes(): number;
  /** The predicted time of a decode step of the loaded shard; null without one. */
  predictedStepMs(): number | null;
  /** Milliseconds since 1970. */
  now(): number;
};

export class DeviceMonitor {
  readonly #parts: MonitorParts;
  /** The time of a step over the predicted one, smoothed, so that one slow step does not count. */
  #throttleRatio: number | null = null;
  /** Of the loaded shard, not smoothed, oldest first. */
  #ratios: readonly RatioSample[] = [];
  #stepMs = 0;
  #predictedMs: number | null = null;

  constructor(parts: MonitorParts) {
    this.#parts = parts;
  }

  /** The state since the last call, which has ended. Rejects if the worker does. */
  async collect(): Promise<DeviceState> {
    return this.#stateOf(await this.#parts.sampleWork());
  }

  #stateOf(work: LoadSample): DeviceState {
    const parts = this.#parts;
    const updatedAtMs = parts.now();
    const predictedMs = parts.predictedStepMs();
    // Another shard has another prediction, to which the old times do not apply.
    if (predictedMs !== this.#predictedMs) {
      this.#throttleRatio = null;
      this.#ratios = [];
      this.#stepMs = 0;
    }
    this.#predictedMs = predictedMs;
    if (work.stepMs !== null && predictedMs !== null)
      this.#addRatio({ atMs: updatedAtMs, ratio: work.stepMs / predictedMs });
    this.#stepMs = work.stepMs ?? this.#stepMs;
    return {
      memoryBudgetBytes: parts.memoryBudgetBytes(),
      memoryUsedBytes: work.memoryUsedBytes,
      tokensPerSecond: work.tokensPerSecond,
      stepMs: this.#stepMs,
      busyFraction: work.busyFraction,
      busySource: work.busySource,
      throttleRatio: this.#throttleRatio ?? 1,
      forecast: this.#forecast(updatedAtMs),
      ...parts.readSources(),
      updatedAtMs,
    };
  }

  #addRatio(newest: RatioSample): void {
    const before = this.#throttleRatio ?? newest.ratio;
    this.#throttleRatio = before + WEIGHT * (newest.ratio - before);
    const kept = this.#ratios.filter(({ atMs }) => newest.atMs - atMs <= FORECAST_WINDOW_MS);
    this.#ratios = [...kept, newest].slice(-MAX_SAMPLES);
  }

  /** None of a device that no longer computes: it cools down. */
  #forecast(nowMs: number): ThrottleForecast | null {
    const newest = this.#ratios.at(-1)?.atMs ?? -Infinity;
    return nowMs - newest > PAUSE_MS ? null : fitForecast(this.#ratios);
  }
}
