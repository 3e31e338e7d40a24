/**
 * Corrects predictions by measured laps: for each member, the median ratio of measured to predicted
 * compute time, with hysteresis, so that noise changes nothing. Pure: the caller keeps the history.
 */
import { median } from "../../shared/index.ts";

export type Correction = {
  /** Predictions are multiplied by this. */
  readonly ratio: number;
  /** The newest ratios of measured to uncorrected predicted time, oldest first. */
  readonly recent: readonly number[];
};

export const NO_CORRECTION: Correction = { ratio: 1, recent: [] };

/** Laps in the median. */
const WINDOW = 16;
/** With fewer laps, the ratio stays. */
export const MIN_LAPS = 8;
/** The ratio changes only when the median differs from it by more than this fraction. */
const HYSTERESIS = 0.15;
/**
 * A claim may exceed the truth by as much as the fastest hardware exceeds the slowest. The median keeps
 * outliers out: a suspended tab, a debugger.
 */
const MAX_RATIO = 1e6;

/**
 * The correction after a lap in which a member computed for `measuredMs`; the uncorrected cost model
 * predicted `predictedMs`. Values that are not above 0 are ignored.
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
