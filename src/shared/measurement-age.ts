/** How long the measurements of a machine are used: drivers are updated, and cooling gets worse. */
export const MAX_AGE_MS = 7 * 24 * 60 * 60 * 1000;

/** Whether a result may still be used; one from the future may not. */
export function isFresh(measuredAtMs: number, nowMs: number): boolean {
  const age = nowMs - measuredAtMs;
  return age >= 0 && age < MAX_AGE_MS;
}
