/** Calls to a worker that dies reject instead of waiting forever. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { workerClient } from "../../src/tab/worker-client.ts";
import { asWorker, FakeWorker } from "./fake-worker.ts";

const service = {
  object: () => ({ bytes: new Uint8Array(1000) }),
  double: (value: number) => 2 * value,
  hang: () => new Promise<never>(() => undefined),
  fail: () => Promise.reject(new Error("no such file")),
};

function open() {
  const workers: FakeWorker[] = [];
  const client = workerClient<typeof service>(() => {
    workers.push(new FakeWorker(service));
    return asWorker(workers.at(-1)!);
  }, "model");
  client.start();
  return { worker: workers[0]!, workers, client };
}

test("calls and their errors cross the thread", async () => {
  const { client } = open();
  expect(await client.remote.double(21)).toBe(42);
  await expect(client.remote.fail()).rejects.toThrow("no such file");
  client.end();
});

test("a script that fails rejects what is pending and what comes later", async () => {
  const { worker, client } = open();
  const pending = client.remote.hang();
  worker.fail("out of memory");
  const failure = { reason: "worker_failed", worker: "model", detail: "out of memory" };
  await expect(pending).rejects.toMatchObject({ failure });
  await expect(client.remote.double(1)).rejects.toMatchObject({ failure });
  client.end();
});

test("a message that cannot be read rejects what is pending", async () => {
  const { worker, client } = open();
  const pending = client.remote.hang();
  worker.dispatchEvent(new Event("messageerror"));
  await expect(pending).rejects.toMatchObject({ failure: { reason: "worker_unreadable" } });
  client.end();
});

test("ending the client ends the worker and rejects what is pending", async () => {
  const { worker, client } = open();
  const pending = client.remote.hang();
  client.end();
  await expect(pending).rejects.toMatchObject({ failure: { reason: "worker_ended" } });
  expect(worker.terminated).toBe(true);
});

test("a worker that is restarted rejects what is pending, and the next call starts another", async () => {
  const { workers, client } = open();
  const pending = client.remote.hang();
  client.restart();
  await expect(pending).rejects.toMatchObject({ failure: { reason: "worker_ended" } });
  expect(workers).toHaveLength(1);
  expect(await client.remote.double(4)).toBe(8);
  expect(workers.map(({ terminated }) => terminated)).toEqual([true, false]);
  client.end();
});

test("what calls returned is not kept", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const { client } = open();
  const result = new WeakRef(await client.remote.object());
  for (let turn = 0; turn < 5; turn++) await client.remote.double(turn);
  collectGarbage();
  expect(result.deref()).toBeUndefined();
  client.end();
});
