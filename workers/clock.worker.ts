/** The thread of timers: browsers delay those of a hidden page, and not those of its workers. */

/** Starts a timer. The worker answers with the id when it ends. */
export type TimerRequest = { readonly id: number; readonly delayMs: number };

self.onmessage = ({ data: { id, delayMs } }: MessageEvent<TimerRequest>) => {
  setTimeout(() => self.postMessage(id), delayMs);
};
