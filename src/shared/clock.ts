/** Time and timers, passed in where they decide something, so that a simulation can run without waiting. */
export type Clock = {
  /** Monotonic milliseconds; only differences have a meaning. */
  nowMs(): number;
  /** Calls `act` once after `delayMs`. Returns a function that cancels it. */
  after(delayMs: number, act: () => void): () => void;
};

export const SYSTEM_CLOCK: Clock = {
  nowMs: () => performance.now(),
  after: (delayMs, act) => {
    const timer = setTimeout(act, delayMs);
    return () => clearTimeout(timer);
  },
};

export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.after(delayMs, resolve));
}
