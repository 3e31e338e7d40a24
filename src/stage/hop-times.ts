/**
 * Milliseconds of each hop of a lap, without comparing the stages' clocks.
 *
 * Each stage measures by its own clock how long a segment waited and computed. Who measures the whole lap
 * by one clock knows what remains: it was spent on the wire. It is divided in proportion to each link's
 * round trip. A hop lasts until the next stage's step starts, so it includes the wait there.
 */
import type { StageClock } from "../mesh/index.ts";

/**
 * `clocks` is [stages] of this lap. `lapMs` is null for the lap of a prompt: the links take its place.
 * Returns [stages]; the last is back to stage 0.
 */
export function hopTimes(clocks: readonly StageClock[], lapMs: number | null): number[] {
  const linksMs = clocks.reduce((sum, { linkMs }) => sum + linkMs, 0);
  const wireMs = lapMs === null ? linksMs : wireTime(lapMs, clocks);
  return clocks.map(({ linkMs }, stage) => {
    const share = linksMs > 0 ? linkMs / linksMs : 1 / clocks.length;
    return wireMs * share + clocks[(stage + 1) % clocks.length]!.waitMs;
  });
}

/** What remains of `lapMs` besides the times of these stages. */
export function wireTime(lapMs: number, clocks: readonly StageClock[]): number {
  const inStages = clocks.reduce((sum, { computeMs, waitMs }) => sum + computeMs + waitMs, 0);
  return Math.max(0, lapMs - inStages);
}
