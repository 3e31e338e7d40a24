/** The load of a stage between two readings. The caller provides the time. */
import { median, type StageSample } from "../shared/index.ts";

export type LoadReading = Omit<StageSample, "memoryUsedBytes">;

/** Decode steps kept for the median: two seconds of a fast GPU. */
const KEPT_STEPS = 512;

export class LoadMeter {
  #sinceMs: number;
  #rows = 0;
  #decodeRows = 0;
  #busyMs = 0;
  #decodeStepMs: number[] = [];

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  /** `decodeRows` of the `rows` belong to answers, the others to prompts. */
  add(computeMs: number, rows: number, decodeRows: number): void {
    this.#rows += rows;
    this.#decodeRows += decodeRows;
    this.#busyMs += computeMs;
    if (decodeRows !== rows) return;
    if (this.#decodeStepMs.length === KEPT_STEPS) this.#decodeStepMs.shift();
    this.#decodeStepMs.push(computeMs);
  }

  /** Reads and resets. `gpuShare`: the part of a step that the GPU is busy, null while unknown. */
  read(nowMs: number, gpuShare: number | null): LoadReading {
    const elapsedMs = Math.max(nowMs - this.#sinceMs, 1e-3);
    const reading: LoadReading = {
      rows: this.#rows,
      busyFraction: Math.min(1, ((gpuShare ?? 1) * this.#busyMs) / elapsedMs),
      busySource: gpuShare === null ? "steps" : "timestamps",
      stepMs: this.#decodeStepMs.length > 0 ? median(this.#decodeStepMs) : null,
      tokensPerSecond: (this.#decodeRows * 1000) / elapsedMs,
    };
    this.#sinceMs = nowMs;
    this.#rows = this.#decodeRows = this.#busyMs = 0;
    this.#decodeStepMs = [];
    return reading;
  }
}
