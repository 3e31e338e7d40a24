/**
 * The device monitor of one tab: every interval it asks the shard's worker how
 * busy it was and the browser how the machine is, and hands on one DeviceState.
 * Knows neither the worker nor the room: both are functions that it is given.
 */
import type { DeviceState } from "../shared/member.ts";
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
  now(): number;
  onState(state: DeviceState): void;
  /** The worker did not answer: in words, once for each failing look. */
  onError(message: string): void;
};

export class DeviceMonitor {
  private readonly parts: MonitorParts;
  private timer: ReturnType<typeof setInterval> | null = null;
  private looking = false;
  private throttleRatio: number | null = null;
  private stepMs = 0;
  private predictedMs: number | null = null;

  constructor(parts: MonitorParts) {
    this.parts = parts;
  }

  /** Looks now and then every interval; called again, it changes the interval. */
  start(intervalMs: number): void {
    this.stop();
    this.timer = setInterval(() => void this.look(), intervalMs);
    void this.look();
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  /** One look. While one is under way another is left out: a slow worker gets no queue of them. */
  async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      this.parts.onState(this.stateOf(await this.parts.sampleWork()));
    } catch (error) {
      this.parts.onError(`The device's state could not be read: ${String(error)}`);
    } finally {
      this.looking = false;
    }
  }

  private stateOf(work: WorkSample | null): DeviceState {
    const { parts } = this;
    const predictedMs = parts.predictedStepMs();
    // Another shard has another prediction, and the old ratio says nothing of it.
    if (predictedMs !== this.predictedMs) this.throttleRatio = null;
    this.predictedMs = predictedMs;
    this.throttleRatio = nextThrottleRatio(this.throttleRatio, work?.stepMs ?? null, predictedMs);
    this.stepMs = work === null ? 0 : (work.stepMs ?? this.stepMs);
    return {
      memoryBudgetBytes: parts.memoryBudgetBytes(),
      memoryUsedBytes: work?.memoryUsedBytes ?? 0,
      tokensPerSecond: work?.tokensPerSecond ?? 0,
      stepMs: this.stepMs,
      busyFraction: Math.min(1, Math.max(0, work?.busyFraction ?? 0)),
      throttleRatio: this.throttleRatio ?? 1,
      ...parts.readSources(),
      updatedAtMs: parts.now(),
    };
  }
}
