/**
 * Predictions set right by the laps that run: for each member the ratio of
 * measured to predicted compute, as a median, with hysteresis, so that noise
 * moves nothing. Pure: the caller keeps the history.
 */
import { median } from "../../shared/index.ts";

export type Correction = {
  /** The ratio that predictions are multiplied by. */
  readonly ratio: number;
  /** The newest ratios of measured to uncorrected predicted time, oldest first. */
  readonly recent: readonly number[];
};

export const NO_CORRECTION: Correction = { ratio: 1, recent: [] };

/** Laps that the median is taken over. */
const WINDOW = 16;
/** Fewer laps than this say nothing. */
const MIN_LAPS = 8;
/** The ratio moves only when the median is farther off than this share of it. */
const HYSTERESIS = 0.15;
/** A single lap, a tab that slept, or a debugger does not count for more than this. */
const MAX_RATIO = 100;

/**
 * After a lap in which a member computed for `measuredMs` where the uncorrected
 * cost model said `predictedMs`; both above 0.
 */
export function correct(before: Correction, predictedMs: number, measuredMs: number): Correction {
  if (!(predictedMs > 0) || !(measuredMs > 0)) return before;
  const ratio = Math.min(MAX_RATIO, Math.max(1 / MAX_RATIO, measuredMs / predictedMs));
  const recent = [...before.recent, ratio].slice(-WINDOW);
  if (recent.length < MIN_LAPS) return { ratio: before.ratio, recent };
  const middle = median(recent);
  const isFarOff = Math.abs(middle - before.ratio) > HYSTERESIS * before.ratio;
  return { ratio: isFarOff ? middle : before.ratio, recent };
}
