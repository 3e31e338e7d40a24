/**
 * How a device's throttle ratio goes on if nothing changes. A device that heats up approaches its
 * steady state exponentially, as a body with one heat capacity and one thermal resistance does
 * (Newton's law of cooling: Incropera et al., Fundamentals of Heat and Mass Transfer, section 5.1), and
 * its clocks follow its temperature:
 *
 *   ratio(t) = limit - (limit - now) exp(-t / timeConstant)
 *
 * `src/telemetry/fit-forecast.ts` fits it. Pure.
 */
import { z } from "zod";

export const ThrottleForecast = z.strictObject({
  /** The fitted ratio when the state was collected. */
  ratio: z.number().positive(),
  /** The ratio that it approaches. */
  limit: z.number().positive(),
  timeConstantMs: z.number().positive(),
});
export type ThrottleForecast = z.infer<typeof ThrottleForecast>;

/** A placement considers members as they will be then: after a move, and some of its benefit. */
export const FORECAST_AHEAD_MS = 60_000;

/** The ratio after `aheadMs`. */
export function ratioAhead(
  { ratio, limit, timeConstantMs }: ThrottleForecast,
  aheadMs: number,
): number {
  return limit - (limit - ratio) * Math.exp(-aheadMs / timeConstantMs);
}

/** Milliseconds until the ratio rises to `threshold`: 0 if it is there, null if it never does. */
export function msUntilRatio(forecast: ThrottleForecast, threshold: number): number | null {
  const { ratio, limit, timeConstantMs } = forecast;
  if (ratio >= threshold) return 0;
  return limit <= threshold
    ? null
    : timeConstantMs * Math.log((limit - ratio) / (limit - threshold));
}
