/**
 * The clock of a tab. Browsers delay the timers of a hidden page to one per second, and later to one
 * per minute, but not those of its workers. So each timer runs twice, here and in a worker, and the
 * first of the two counts. A worker that is missing or dead costs only what a hidden page costs anyway.
 */
import { type Clock, SYSTEM_CLOCK } from "../shared/index.ts";
import type { TimerRequest } from "../../workers/clock.worker.ts";

export type WorkerClock = Clock & {
  /** Ends the worker. Timers in progress end in this thread. */
  end(): void;
};

export function openWorkerClock(
  worker = startClockWorker(),
  own: Clock = SYSTEM_CLOCK,
): WorkerClock {
  const waiting = new Map<number, () => void>();
  let count = 0;
  worker.addEventListener("message", ({ data }: MessageEvent<number>) => waiting.get(data)?.());
  return {
    nowMs: () => own.nowMs(),
    after: (delayMs, act) => {
      const id = ++count;
      const cancelOwn = own.after(delayMs, () => fire());
      const cancel = () => {
        cancelOwn();
        waiting.delete(id);
      };
      const fire = () => {
        cancel();
        act();
      };
      waiting.set(id, fire);
      worker.postMessage({ id, delayMs } satisfies TimerRequest);
      return cancel;
    },
    end: () => worker.terminate(),
  };
}

function startClockWorker(): Worker {
  return new Worker(new URL("../../workers/clock.worker.ts", import.meta.url), { type: "module" });
}
