/** How weights are streamed: several reads at a time, bounded in bytes, used in order. */
import { expect, test } from "vitest";
import { newCounters } from "../../src/engine/counters.ts";
import { GpuResources } from "../../src/engine/gpu-resources.ts";
import { WeightReader } from "../../src/engine/weight-reader.ts";
import type { Pack } from "../../src/engine/pack-threads.ts";
import { packRows } from "../../src/kernels/matmul/weights-pack.ts";
import { ADAPTERS } from "../../tools/gpu/adapters.ts";
import { plannedDevice } from "../../tools/gpu/planned-device.ts";

const MIB = 2 ** 20;

type Pending = { readonly offsetBytes: number; answer(): void; fail(error: Error): void };

/** A matrix of 64 rows of 1 MiB, and a source that answers when the test says so. */
function streaming(pack: Pack = packRows) {
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
  const weights = new WeightReader(resources, reader, pack, (bytes) => (done += bytes));
  const tensor = { name: "w", format: "F32", rows: 64, columns: MIB / 4, offsetBytes: 0 } as const;
  const packed: number[] = [];
  weights.rows([{ ...tensor, lengthBytes: 64 * MIB }], async (first, sources, pack) => {
    packed.push((await pack("F32", MIB / 4, sources)).quants.length);
    return () => void used.push(first);
  });
  return { weights, pending, used, packed, doneBytes: () => done };
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

test("what a packing thread had when it failed is read again and packed here", async () => {
  let calls = 0;
  const { weights, pending, used, packed } = streaming((format, columns, sources) => {
    calls++;
    if (calls > 2 && calls < 6) return Promise.reject(new Error("the thread is gone"));
    return packRows(format, columns, sources);
  });
  const filled = weights.fill();
  for (let answered = 0; used.length < 16;) {
    for (; answered < pending.length; answered++) pending[answered]!.answer();
    await settled();
  }
  await filled;
  expect(pending.map(({ offsetBytes }) => offsetBytes / MIB).slice(8, 11)).toEqual([8, 12, 16]);
  expect(packed).toEqual(Array(16).fill(4 * MIB));
  expect(used).toEqual(Array.from({ length: 16 }, (_, read) => 4 * read));
});
