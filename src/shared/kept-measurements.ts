/** How long what was measured on a machine is believed. */

/** Drivers are updated, and laptops grow old and dusty. */
export const STALE_AFTER_MS = 7 * 24 * 60 * 60 * 1000;

/** Whether a result may still be used; one from the future may not. */
export function isFresh(measuredAtMs: number, nowMs: number): boolean {
  const age = nowMs - measuredAtMs;
  return age >= 0 && age < STALE_AFTER_MS;
}
