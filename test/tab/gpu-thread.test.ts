/** The GPU worker that fails or hangs is replaced, and says so; one that fails at once each time is not. */
import { expect, test } from "vitest";
import {
  GenerationId,
  type StageListeners,
  type StageObservation,
} from "../../src/shared/index.ts";
import { GpuThread } from "../../src/tab/gpu-thread.ts";
import { asWorker, FakeWorker } from "./fake-worker.ts";

function open(
  sample: () => Promise<unknown> = () => Promise.resolve({ steps: 0 }),
  service: object = {},
) {
  const workers: FakeWorker[] = [];
  const timers: (() => void)[] = [];
  let nowMs = 0;
  let replaced = 0;
  const observations: StageObservation[] = [];
  const listeners = {
    onObservation: (observation: StageObservation) => observations.push(observation),
  } as unknown as StageListeners;
  const thread = new GpuThread({
    start: () => {
      const worker = new FakeWorker({ listen: () => undefined, sample, ...service });
      workers.push(worker);
      return asWorker(worker);
    },
    clock: {
      nowMs: () => nowMs,
      after: (_delayMs, act) => {
        timers.push(act);
        return () => void timers.splice(timers.indexOf(act), 1);
      },
    },
    onReplaced: () => (replaced += 1),
  });
  const wait = (ms: number) => (nowMs += ms);
  return { thread, workers, timers, observations, listeners, wait, replaced: () => replaced };
}

test("one that fails is replaced: pending calls reject, later ones go to the new one", async () => {
  const { thread, workers, observations, listeners, wait, replaced } = open();
  await thread.worker.listen(listeners);
  wait(60_000);
  const pending = thread.worker.sample();
  workers[0]!.fail("out of memory");
  await expect(pending).rejects.toMatchObject({ failure: { reason: "worker_failed" } });
  expect(workers[0]!.terminated).toBe(true);
  expect(observations).toMatchObject([
    { kind: "worker_replaced", cause: { reason: "worker_failed", detail: "out of memory" } },
  ]);
  expect(replaced()).toBe(1);
  expect(await thread.worker.sample()).toEqual({ steps: 0 });
  thread.end();
});

test("one that does not answer is replaced", async () => {
  const { thread, timers, observations, listeners } = open(() => new Promise(() => undefined));
  await thread.worker.listen(listeners);
  const pending = thread.worker.sample();
  timers[0]!();
  await expect(pending).rejects.toMatchObject({ failure: { reason: "worker_ended" } });
  expect(observations).toMatchObject([
    { kind: "worker_replaced", cause: { reason: "worker_silent", afterMs: 10_000 } },
  ]);
  thread.end();
});

test("one that fails repeatedly as soon as it starts is not replaced, and the room is told", async () => {
  const { thread, workers, listeners, observations } = open();
  await thread.worker.listen(listeners);
  for (let times = 0; times < 3; times++) workers.at(-1)!.fail("no script");
  expect(workers).toHaveLength(3);
  expect(observations.map(({ kind }) => kind)).toEqual([
    "worker_replaced",
    "worker_replaced",
    "worker_gone",
  ]);
  await expect(thread.worker.sample()).rejects.toMatchObject({
    failure: { reason: "worker_failed" },
  });
});

test("ending it is not a failure", async () => {
  const { thread, workers, listeners } = open();
  await thread.worker.listen(listeners);
  thread.end();
  thread.replace({ reason: "worker_ended", worker: "GPU" });
  expect(workers).toHaveLength(1);
});

test("a call reaches the worker with all its parameters", async () => {
  const ends: unknown[] = [];
  const { thread } = open(undefined, { cancel: (...end: unknown[]) => void ends.push(end) });
  await thread.worker.cancel(GenerationId.parse(3), "interrupted");
  expect(ends).toEqual([[3, "interrupted"]]);
  thread.end();
});
