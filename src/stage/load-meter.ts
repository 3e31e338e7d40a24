/**
 * How busy a stage was between two readings. The clock is passed in.
 */
import { median } from "../mesh/link-measurement.ts";

export type LoadReading = {
  readonly steps: number;
  readonly rows: number;
  readonly busyFraction: number;
  readonly stepMs: number | null;
  readonly tokensPerSecond: number;
};

/** Decode steps kept for the median: enough for two seconds of a fast GPU. */
const KEPT_STEPS = 512;

export class LoadMeter {
  private sinceMs: number;
  private steps = 0;
  private rows = 0;
  private decodeRows = 0;
  private busyMs = 0;
  private decodeStepMs: number[] = [];

  constructor(nowMs: number) {
    this.sinceMs = nowMs;
  }

  /** `decodeRows` of the step's `rows` belonged to answers, the others to prompts. */
  add(computeMs: number, rows: number, decodeRows: number): void {
    this.steps += 1;
    this.rows += rows;
    this.decodeRows += decodeRows;
    this.busyMs += computeMs;
    if (decodeRows !== rows) return;
    if (this.decodeStepMs.length === KEPT_STEPS) this.decodeStepMs.shift();
    this.decodeStepMs.push(computeMs);
  }

  /** Reads and starts anew. */
  read(nowMs: number): LoadReading {
    const elapsedMs = Math.max(nowMs - this.sinceMs, 1e-3);
    const reading: LoadReading = {
      steps: this.steps,
      rows: this.rows,
      busyFraction: Math.min(1, this.busyMs / elapsedMs),
      stepMs: this.decodeStepMs.length > 0 ? median(this.decodeStepMs) : null,
      tokensPerSecond: (this.decodeRows * 1000) / elapsedMs,
    };
    this.sinceMs = nowMs;
    this.steps = this.rows = this.decodeRows = this.busyMs = 0;
    this.decodeStepMs = [];
    return reading;
  }
}
