/** Readbacks of several steps in flight: which of them submits while it waits, and what an error does. */
import { expect, test } from "vitest";
import { newCounters } from "../../src/engine/counters.ts";
import { GpuResources } from "../../src/engine/gpu-resources.ts";
import { Readback } from "../../src/engine/readback.ts";
import { ADAPTERS } from "../../tools/gpu/adapters.ts";
import { plannedDevice } from "../../tools/gpu/planned-device.ts";
import { MAX_SUBMITS } from "../../src/kernels/core/submit-while-waiting.ts";

/** A device whose buffers are mapped when the test says so; it counts submits. */
function waitingDevice() {
  const maps: { end: () => void; fail: (error: Error) => void }[] = [];
  let submits = 0;
  const createBuffer = ({ size }: GPUBufferDescriptor) => ({
    mapAsync: () =>
      new Promise<void>((resolve, reject) => maps.push({ end: () => resolve(), fail: reject })),
    getMappedRange: () => new ArrayBuffer(size),
    unmap: () => undefined,
    destroy: () => undefined,
  });
  const queue = { submit: () => void submits++ };
  plannedDevice(ADAPTERS[0]!); // defines WebGPU's constants
  const device = { createBuffer, queue } as unknown as GPUDevice;
  const encoder = { copyBufferToBuffer: () => undefined } as unknown as GPUCommandEncoder;
  const readback = (submitWhileWaiting: boolean) => {
    const resources = new GpuResources(device, newCounters());
    const reads = new Readback(resources, 64, submitWhileWaiting);
    return () => reads.record(encoder, {} as GPUBuffer, 16, 1)();
  };
  return { maps, readback, submits: () => submits };
}

/** Longer than the loop of submits turns by itself. */
async function quiet(submits: () => number): Promise<number> {
  for (let last = -1, same = 0; same < 200; last = submits()) {
    await new Promise((resolve) => setImmediate(resolve));
    same = submits() === last && last > 0 ? same + 1 : 0;
  }
  return submits();
}

test("of four steps in flight only the oldest submits while it waits", async () => {
  const { maps, readback, submits } = waitingDevice();
  const step = readback(true);
  const reads = [step(), step(), step(), step()];
  expect(maps).toHaveLength(4); // all are mapped at once
  expect(await quiet(submits)).toBe(MAX_SUBMITS);
  maps[0]!.end();
  await reads[0];
  expect(await quiet(submits)).toBeGreaterThan(MAX_SUBMITS);
  expect(submits()).toBeLessThanOrEqual(2 * MAX_SUBMITS);
  for (const { end } of maps.slice(1)) end();
  expect((await Promise.all(reads)).map(({ byteLength }) => byteLength)).toEqual([64, 64, 64, 64]);
});

test("a step that fails does not hold back those behind it", async () => {
  const { maps, readback } = waitingDevice();
  const step = readback(true);
  const [first, second] = [step(), step()];
  maps[1]!.end();
  maps[0]!.fail(new Error("lost"));
  await expect(first).rejects.toThrow("lost");
  expect(await second).toBeInstanceOf(ArrayBuffer);
});

test("without submits, the browser alone decides when each is read", async () => {
  const { maps, readback, submits } = waitingDevice();
  const step = readback(false);
  const [first, second] = [step(), step()];
  maps[1]!.end();
  await second;
  maps[0]!.end();
  await first;
  expect(submits()).toBe(0);
});
