/** Timers that run in this thread and in a worker: the first one counts. */
import { expect, test } from "vitest";
import type { Clock } from "../../src/shared/index.ts";
import { openWorkerClock } from "../../src/tab/worker-clock.ts";
import type { TimerRequest } from "../../workers/clock.worker.ts";

/** A worker whose timers end when the test says so. */
class HeldWorker extends EventTarget {
  readonly asked: TimerRequest[] = [];
  terminated = false;

  postMessage(request: TimerRequest): void {
    this.asked.push(request);
  }

  finish(id: number): void {
    this.dispatchEvent(new MessageEvent("message", { data: id }));
  }

  terminate(): void {
    this.terminated = true;
  }
}

/** The timers of a page that has been hidden for long: they end when the test says so. */
function heldClock() {
  const due = new Map<number, () => void>();
  let count = 0;
  const clock: Clock = {
    nowMs: () => 7,
    after: (_delayMs, act) => {
      const id = ++count;
      due.set(id, act);
      return () => void due.delete(id);
    },
  };
  return { clock, due };
}

function open() {
  const worker = new HeldWorker();
  const { clock: own, due } = heldClock();
  const clock = openWorkerClock(worker as unknown as Worker, own);
  const acted: string[] = [];
  return { worker, due, clock, acted };
}

test("a hidden page's timer ends with the worker's, once", () => {
  const { worker, due, clock, acted } = open();
  clock.after(100, () => acted.push("timer"));
  expect(worker.asked).toEqual([{ id: 1, delayMs: 100 }]);
  worker.finish(1);
  expect(acted).toEqual(["timer"]);
  expect(due.size).toBe(0);
  worker.finish(1);
  expect(acted).toEqual(["timer"]);
});

test("without an answer of the worker, the page's own timer counts", () => {
  const { worker, due, clock, acted } = open();
  clock.after(100, () => acted.push("timer"));
  due.get(1)?.();
  worker.finish(1);
  expect(acted).toEqual(["timer"]);
});

test("a canceled timer does nothing, and does not cancel another", () => {
  const { worker, due, clock, acted } = open();
  const cancel = clock.after(100, () => acted.push("first"));
  clock.after(50, () => acted.push("second"));
  cancel();
  worker.finish(1);
  worker.finish(2);
  expect(acted).toEqual(["second"]);
  expect(due.size).toBe(0);
});

test("it reads the page's time, and ending it ends the worker", () => {
  const { worker, clock } = open();
  expect(clock.nowMs()).toBe(7);
  clock.end();
  expect(worker.terminated).toBe(true);
});
