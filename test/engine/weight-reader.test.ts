/** How weights are streamed: several reads at a time, bounded in bytes, used in order. */
import { expect, test } from "vitest";
import { newCounters } from "../../src/engine/counters.ts";
import { GpuResources } from "../../src/engine/gpu-resources.ts";
import { WeightReader } from "../../src/engine/weight-reader.ts";
import { writeQueued } from "../../src/kernels/core/upload.ts";
import { packRows } from "../../src/kernels/matmul/weights-pack.ts";
import { ADAPTERS } from "../../tools/gpu/adapters.ts";
import { plannedDevice } from "../../tools/gpu/planned-device.ts";

const MIB = 2 ** 20;

type Pending = { readonly offsetBytes: number; answer(): void; fail(error: Error): void };

/** A matrix of 64 rows of 1 MiB, and a source that answers when the test says so. */
function streaming() {
  const pending: Pending[] = [];
  const used: number[] = [];
  let done = 0;
  const reader = {
    read: (offsetBytes: number, lengthBytes: number) =>
      new Promise<Uint8Array<ArrayBuffer>>((resolve, reject) => {
        const answer = () => resolve(new Uint8Array(lengthBytes));
        pending.push({ offsetBytes, answer, fail: reject });
      }),
  };
  const { device } = plannedDevice(ADAPTERS[0]!);
  const resources = new GpuResources(device, newCounters());
  const weights = new WeightReader(
    resources,
    reader,
    { pack: packRows, write: writeQueued },
    (bytes) => (done += bytes),
  );
  const tensor = { name: "w", format: "F32", rows: 64, columns: MIB / 4, offsetBytes: 0 } as const;
  weights.rows([{ ...tensor, lengthBytes: 64 * MIB }], (first) => () => used.push(first));
  return { weights, pending, used, doneBytes: () => done };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("several reads are in progress, up to a bound in bytes, and are used in order", async () => {
  const { weights, pending, used, doneBytes } = streaming();
  const filled = weights.fill();
  expect(pending.map(({ offsetBytes }) => offsetBytes / MIB)).toEqual([
    0, 4, 8, 12, 16, 20, 24, 28,
  ]);
  for (const read of pending.slice(1)) read.answer();
  await settled();
  expect(used).toEqual([]);
  expect(pending).toHaveLength(8);
  pending[0]!.answer();
  await settled();
  expect(used).toEqual([0, 4, 8, 12, 16, 20, 24, 28]);
  expect(pending).toHaveLength(16);
  for (const read of pending.slice(8)) read.answer();
  await filled;
  expect(used.at(-1)).toBe(60);
  expect(doneBytes()).toBe(64 * MIB);
});

test("the first error ends it, and a stop uses nothing more", async () => {
  const failing = streaming();
  const filled = failing.weights.fill();
  failing.pending[1]!.fail(new Error("gone"));
  failing.pending[0]!.answer();
  await expect(filled).rejects.toThrow("gone");
  expect(failing.used).toEqual([0]);

  const stopped = streaming();
  const ended = stopped.weights.fill();
  stopped.weights.stop();
  stopped.pending[0]!.answer();
  await ended;
  expect(stopped.used).toEqual([]);
});
