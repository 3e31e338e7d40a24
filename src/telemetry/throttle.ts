/**
 * Is this device slower than it was measured to be? The ratio of a step's time
 * now to the time that the probe predicts, smoothed, so that one slow step is not
 * a throttled device. Pure.
 */

/** One look weighs this much: after five looks two thirds of a change show. */
const WEIGHT = 0.2;

/** The next smoothed ratio; `stepMs` is null when there was no step, and nothing changes. */
export function nextThrottleRatio(
  previous: number | null,
  stepMs: number | null,
  predictedMs: number | null,
): number | null {
  if (stepMs === null || predictedMs === null || predictedMs <= 0) return previous;
  const ratio = stepMs / predictedMs;
  return previous === null ? ratio : previous + WEIGHT * (ratio - previous);
}
