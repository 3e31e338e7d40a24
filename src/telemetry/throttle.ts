/**
 * The throttle ratio: a step's time divided by the time that the probe predicts,
 * smoothed, so that one slow step does not count as throttling. Pure.
 */

/** Weight of the newest sample: after five samples, two thirds of a change show. */
const WEIGHT = 0.2;

/** The next smoothed ratio. Without a step (`stepMs` is null), nothing changes. */
export function nextThrottleRatio(
  previous: number | null,
  stepMs: number | null,
  predictedMs: number | null,
): number | null {
  if (stepMs === null || predictedMs === null || predictedMs <= 0) return previous;
  const ratio = stepMs / predictedMs;
  return previous === null ? ratio : previous + WEIGHT * (ratio - previous);
}
