/**
 * Milliseconds of each hop of a lap, without comparing the stages' clocks.
 *
 * Each stage measures by its own clock how long a segment waited and computed. Stage
 * 0 measures the whole lap by its own clock; the remainder was spent on the wire.
 * That sum is known only after the lap, so it travels with the next one: hop times
 * are those of the previous lap, unless that carried a prompt. It is divided in proportion to each
 * link's round trip. A hop lasts until the next stage's step starts, so it includes the wait there.
 */
import type { StageClock } from "../mesh/index.ts";

/**
 * `clocks` is [stages] of this lap. `wireMs` is negative until the first lap of a single
 * token is complete; the links then replace it. Returns [stages]; the last is back to stage 0.
 */
export function hopTimes(clocks: readonly StageClock[], wireMs: number): number[] {
  const linksMs = clocks.reduce((sum, { linkMs }) => sum + linkMs, 0);
  const wire = wireMs >= 0 ? wireMs : linksMs;
  return clocks.map(({ linkMs }, stage) => {
    const share = linksMs > 0 ? linkMs / linksMs : 1 / clocks.length;
    return wire * share + clocks[(stage + 1) % clocks.length]!.waitMs;
  });
}

/** Time on the wire of a lap that took `lapMs` from stage 0's send to the token's arrival there. */
export function wireTime(lapMs: number, clocks: readonly StageClock[]): number {
  const elsewhere = clocks
    .slice(1)
    .reduce((sum, { computeMs, waitMs }) => sum + computeMs + waitMs, 0);
  return Math.max(0, lapMs - elsewhere);
}
