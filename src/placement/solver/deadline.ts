/**
 * Whether time is up, asked often. Work between two looks at the clock takes as
 * long as it takes: the watch remembers the longest recent stretch and says stop
 * when another one like it would end too late, so that a large room is not later
 * than a small one.
 */

/** So much may an answer be late; half of what is promised, the rest is for the answer itself. */
const GRACE_MS = 5;
/** A long stretch is forgotten by and by: the first ones compile the code. */
const FORGET = 0.8;

export type Deadline = {
  /** Looks at the clock; true from the first look at which time is up. */
  readonly isLate: () => boolean;
  /** Whether a look has found that time is up. */
  readonly wasHit: () => boolean;
};

/** `now` is a rising clock in ms. */
export function watchDeadline(startedAt: number, deadlineMs: number, now: () => number): Deadline {
  let isOver = false;
  let last = startedAt;
  let stretchMs = 0;
  const isLate = () => {
    if (isOver) return true;
    const time = now();
    stretchMs = Math.max(time - last, FORGET * stretchMs);
    last = time;
    const elapsed = time - startedAt;
    isOver = elapsed >= deadlineMs || elapsed + stretchMs > deadlineMs + GRACE_MS;
    return isOver;
  };
  return { isLate, wasHit: () => isOver };
}
