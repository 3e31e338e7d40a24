/**
 * Fits the first-order model of `ThrottleForecast` to measured throttle ratios. For a given time constant
 * the model is linear in its two other parameters, so least squares gives them directly, and the time
 * constant is searched on a grid (variable projection: Golub and Pereyra 1973, SIAM J. Numer. Anal. 10).
 *
 * A forecast is made only of a rise that noise does not explain: an F test against a constant, with a
 * limit far beyond its usual levels, because it is applied to every sample. Pure.
 */
import type { ThrottleForecast } from "../shared/index.ts";

export type RatioSample = { readonly atMs: number; readonly ratio: number };

/** Older samples tell of another load or room temperature. */
export const FORECAST_WINDOW_MS = 180_000;

const MIN_SAMPLES = 8;
/** A device may have been cool for most of the window: shorter and shorter ends of it are fitted too. */
const LONGER = 1.5;
/** Phones and laptops heat up within minutes; their chips within seconds. */
const MIN_TIME_CONSTANT_MS = 4000;
const GRID = 16;
/** Of white noise to look as much like a rise: the fits of an hour are thousands. */
const MAX_CHANCE = 1e-5;
/** A smaller rise within the window is no reason to act, however certain. */
const MIN_RISE = 0.15;

type Rise = { readonly chance: number; readonly forecast: ThrottleForecast };

/** Null without a significant rise. `samples` are in the order of time. */
export function fitForecast(samples: readonly RatioSample[]): ThrottleForecast | null {
  let best: Rise | null = null;
  for (let count = MIN_SAMPLES; ; count = Math.min(samples.length, Math.ceil(count * LONGER))) {
    const rise = count <= samples.length ? riseOf(samples.slice(-count)) : null;
    if (rise !== null && (best === null || rise.chance < best.chance)) best = rise;
    if (count >= samples.length) return best?.forecast ?? null;
  }
}

/**
 * The best fit to all of `samples`, if it is a rise that noise does not explain. Time constants go up to
 * the span of the samples: a longer one would extrapolate a straight line.
 */
function riseOf(samples: readonly RatioSample[]): Rise | null {
  const spanMs = samples.at(-1)!.atMs - samples[0]!.atMs;
  if (spanMs <= MIN_TIME_CONSTANT_MS) return null;
  const growth = (spanMs / MIN_TIME_CONSTANT_MS) ** (1 / (GRID - 1));
  const fits = Array.from({ length: GRID }, (_, step) =>
    fitWith(samples, MIN_TIME_CONSTANT_MS * growth ** step),
  );
  const best = fits.reduce((one, other) => (other.squares < one.squares ? other : one));
  const mean = samples.reduce((sum, { ratio }) => sum + ratio, 0) / samples.length;
  const flatSquares = samples.reduce((sum, { ratio }) => sum + (ratio - mean) ** 2, 0);
  const f = (flatSquares - best.squares) / 2 / (best.squares / (samples.length - 3));
  const ratio = best.limit + best.drop * Math.exp(-spanMs / best.timeConstantMs);
  const rise = ratio - (best.limit + best.drop);
  const chance = chanceOf(f, samples.length - 3);
  if (chance > MAX_CHANCE || rise < MIN_RISE || ratio <= 0) return null;
  return { chance, forecast: { ratio, limit: best.limit, timeConstantMs: best.timeConstantMs } };
}

/** The chance that F with 2 and `degrees` degrees of freedom exceeds `f`, which has a closed form. */
function chanceOf(f: number, degrees: number): number {
  return (1 + (2 * f) / degrees) ** (-degrees / 2);
}

/** Least squares of `limit + drop * exp(-t / timeConstantMs)`, t from the first sample on. */
function fitWith(samples: readonly RatioSample[], timeConstantMs: number) {
  const start = samples[0]!.atMs;
  const points = samples.map(({ atMs, ratio }) => ({
    x: Math.exp((start - atMs) / timeConstantMs),
    y: ratio,
  }));
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / points.length;
  const covariance = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  const variance = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const drop = covariance / variance;
  const limit = meanY - drop * meanX;
  const squares = points.reduce((sum, { x, y }) => sum + (y - limit - drop * x) ** 2, 0);
  return { limit, drop, timeConstantMs, squares };
}
