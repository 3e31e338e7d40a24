/**
 * The last samples of one member in fixed memory: a ring of numbers for each
 * quantity. 900 samples are half an hour at the usual interval and take 43 KB,
 * so a room of 100 members stays under 5 MB.
 */
import type { DeviceState } from "../shared/member.ts";

export const HISTORY_SAMPLES = 900;

/** The quantities that are worth a curve. */
export const TRACKED = [
  "memoryUsedBytes",
  "tokensPerSecond",
  "stepMs",
  "busyFraction",
  "throttleRatio",
] as const satisfies readonly (keyof DeviceState)[];
export type Tracked = (typeof TRACKED)[number];

export type Trend = {
  readonly direction: "rising" | "falling" | "steady";
  /** Change over the window, as a fraction of its mean; 0.2 is a fifth more. */
  readonly change: number;
};

/** Less than this over the window is called steady. */
const STEADY_CHANGE = 0.1;

export class DeviceHistory {
  private readonly columns: Float64Array[]; // [time, ...TRACKED], each [capacity]
  private readonly capacity: number;
  private written = 0;

  constructor(capacity = HISTORY_SAMPLES) {
    this.capacity = capacity;
    this.columns = [null, ...TRACKED].map(() => new Float64Array(capacity));
  }

  /** The number of samples that it holds. */
  get length(): number {
    return Math.min(this.written, this.capacity);
  }

  add(state: DeviceState): void {
    const at = this.written % this.capacity;
    this.columns[0]![at] = state.updatedAtMs;
    TRACKED.forEach((name, column) => (this.columns[column + 1]![at] = state[name]));
    this.written += 1;
  }

  /** Oldest first. */
  series(name: Tracked): { readonly timesMs: Float64Array; readonly values: Float64Array } {
    return { timesMs: this.column(0), values: this.column(TRACKED.indexOf(name) + 1) };
  }

  /** The straight line through the samples of the last `windowMs`. */
  trend(name: Tracked, windowMs: number): Trend {
    const { timesMs, values } = this.series(name);
    const from = (timesMs.at(-1) ?? 0) - windowMs;
    const first = timesMs.findIndex((time) => time >= from);
    return trendOf(timesMs.subarray(Math.max(first, 0)), values.subarray(Math.max(first, 0)));
  }

  private column(index: number): Float64Array {
    const column = this.columns[index]!;
    if (this.written <= this.capacity) return column.slice(0, this.written);
    const oldest = this.written % this.capacity;
    const ordered = new Float64Array(this.capacity);
    ordered.set(column.subarray(oldest));
    ordered.set(column.subarray(0, oldest), this.capacity - oldest);
    return ordered;
  }
}

/** Least squares over (time, value). */
export function trendOf(timesMs: Float64Array, values: Float64Array): Trend {
  const count = timesMs.length;
  const meanTime = mean(timesMs);
  const meanValue = mean(values);
  let covariance = 0;
  let variance = 0;
  for (let i = 0; i < count; i += 1) {
    covariance += (timesMs[i]! - meanTime) * (values[i]! - meanValue);
    variance += (timesMs[i]! - meanTime) ** 2;
  }
  if (variance === 0 || meanValue === 0) return { direction: "steady", change: 0 };
  const span = timesMs[count - 1]! - timesMs[0]!;
  const change = ((covariance / variance) * span) / Math.abs(meanValue);
  if (Math.abs(change) < STEADY_CHANGE) return { direction: "steady", change };
  return { direction: change > 0 ? "rising" : "falling", change };
}

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return values.length === 0 ? 0 : sum / values.length;
}
