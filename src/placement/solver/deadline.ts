/**
 * Checks whether time is up. Work between two checks cannot be interrupted, so the deadline also
 * counts as reached when another stretch as long as the longest recent one would end too late.
 */

/** An answer may be this late: half of the bound that is promised. */
const GRACE_MS = 5;
/** The longest stretch decays by this factor: the first ones include compilation. */
const DECAY = 0.8;

export type SolveOptions = {
  readonly deadlineMs: number;
  /** A monotonic clock in ms: `performance.now`, or process time in a benchmark. */
  readonly now: () => number;
};

export type Deadline = {
  /** Reads the clock; true from the first time that the deadline counts as reached. */
  readonly isLate: () => boolean;
  /** Whether `isLate` has returned true. */
  readonly wasHit: () => boolean;
  readonly elapsedMs: () => number;
};

/** The time begins now. */
export function watchDeadline({ deadlineMs, now }: SolveOptions): Deadline {
  const startedAt = now();
  let isOver = false;
  let last = startedAt;
  let stretchMs = 0;
  const isLate = () => {
    if (isOver) return true;
    const time = now();
    stretchMs = Math.max(time - last, DECAY * stretchMs);
    last = time;
    const elapsed = time - startedAt;
    isOver = elapsed >= deadlineMs || elapsed + stretchMs > deadlineMs + GRACE_MS;
    return isOver;
  };
  return { isLate, wasHit: () => isOver, elapsedMs: () => now() - startedAt };
}
