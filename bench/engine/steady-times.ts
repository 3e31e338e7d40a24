/** Repeated work at the clocks that a GPU reaches under it. */

/**
 * Runs `work`, which returns its milliseconds, until `durationMs` have passed, but at least once.
 * Returns the times of the second half: an idle GPU raises its clocks during the first.
 */
export async function steadyTimes(
  durationMs: number,
  work: () => Promise<number>,
): Promise<number[]> {
  const end = performance.now() + durationMs;
  const times: number[] = [];
  do times.push(await work());
  while (performance.now() < end);
  return times.slice(Math.floor(times.length / 2));
}
