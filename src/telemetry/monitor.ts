/**
 * The device monitor of one tab: when it is asked, it asks the shard's worker how
 * busy it was and the browser how the machine is, and makes one DeviceState of
 * both. Knows neither worker nor room, nor when to ask: the room's settings say.
 */
import type { DeviceState } from "../shared/index.ts";
import type { SourceReadings } from "./sources.ts";
import { nextThrottleRatio } from "./throttle.ts";
import type { WorkSample } from "./work-sample.ts";

export type MonitorParts = {
  /** Null while no shard is loaded. */
  sampleWork(): Promise<WorkSample | null>;
  readSources(): SourceReadings;
  memoryBudgetBytes(): number;
  /** What the probe's numbers say that a decode step of the loaded shard takes; null without one. */
  predictedStepMs(): number | null;
  /** Milliseconds since 1970. */
  now(): number;
};

export class DeviceMonitor {
  readonly #parts: MonitorParts;
  #collecting: Promise<DeviceState> | null = null;
  #throttleRatio: number | null = null;
  #stepMs = 0;
  #predictedMs: number | null = null;

  constructor(parts: MonitorParts) {
    this.#parts = parts;
  }

  /**
   * The state since the last call. Called again before the worker has answered, it
   * gives the same answer: a slow worker gets no queue of questions. Rejects when
   * the worker does.
   */
  collect(): Promise<DeviceState> {
    this.#collecting ??= this.#parts
      .sampleWork()
      .then((work) => this.#stateOf(work))
      .finally(() => (this.#collecting = null));
    return this.#collecting;
  }

  #stateOf(work: WorkSample | null): DeviceState {
    const parts = this.#parts;
    const predictedMs = parts.predictedStepMs();
    // Another shard has another prediction, and the old ratio says nothing of it.
    if (predictedMs !== this.#predictedMs) this.#throttleRatio = null;
    this.#predictedMs = predictedMs;
    this.#throttleRatio = nextThrottleRatio(this.#throttleRatio, work?.stepMs ?? null, predictedMs);
    this.#stepMs = work === null ? 0 : (work.stepMs ?? this.#stepMs);
    return {
      memoryBudgetBytes: parts.memoryBudgetBytes(),
      memoryUsedBytes: work?.memoryUsedBytes ?? 0,
      tokensPerSecond: work?.tokensPerSecond ?? 0,
      stepMs: this.#stepMs,
      busyFraction: Math.min(1, Math.max(0, work?.busyFraction ?? 0)),
      throttleRatio: this.#throttleRatio ?? 1,
      ...parts.readSources(),
      updatedAtMs: parts.now(),
    };
  }
}
