/** Bytes that are written through mapped buffers, of which there are only a few. */
import { expect, onTestFinished, test, vi } from "vitest";
import { Uploads } from "../../src/kernels/core/upload.ts";
import { free } from "../../src/shared/thread-pool.ts";
import { testDevice } from "../../tools/gpu/device.ts";
import { randomSource } from "../../tools/gpu/random.ts";

const STAGING_BYTES = 256;
const TARGET_BYTES = 16 * 1024;

async function read(device: GPUDevice, buffer: GPUBuffer): Promise<Uint8Array> {
  const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ;
  const copy = device.createBuffer({ size: buffer.size, usage });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, copy, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await copy.mapAsync(GPUMapMode.READ);
  return new Uint8Array(copy.getMappedRange());
}

async function uploading() {
  const device = await testDevice();
  const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const target = device.createBuffer({ size: TARGET_BYTES, usage });
  const created = vi.spyOn(device, "createBuffer");
  onTestFinished(() => created.mockRestore());
  return { device, target, uploads: new Uploads(device, STAGING_BYTES), created };
}

test("pieces of all sizes arrive, through eight buffers at most", async () => {
  const { device, target, uploads, created } = await uploading();
  const random = randomSource(7);
  const expected = new Uint8Array(TARGET_BYTES);
  device.pushErrorScope("validation");
  // Back to front, so that offsets and order differ; some pieces need several buffers, some share one.
  for (let end = TARGET_BYTES; end > 0;) {
    const length = Math.min(end, 4 * Math.ceil(random() * 200));
    const bytes = Uint8Array.from({ length }, () => random() * 256);
    await uploads.write(bytes, target, end - length);
    expected.set(bytes, end - length);
    end -= length;
  }
  expect(created.mock.calls.length).toBe(8);
  uploads.end();
  expect(await device.popErrorScope()).toBeNull();
  expect(await read(device, target)).toEqual(expected);
});

test("after the end, nothing is written and nothing fails", async () => {
  const { device, target, uploads } = await uploading();
  device.pushErrorScope("validation");
  await uploads.write(new Uint8Array(100).fill(1), target, 0);
  uploads.end();
  await uploads.write(new Uint8Array(2000).fill(2), target, 0);
  const bytes = await read(device, target);
  expect(await device.popErrorScope()).toBeNull();
  expect(bytes.subarray(0, 104)).toEqual(
    new Uint8Array([...Array<number>(100).fill(1), 0, 0, 0, 0]),
  );
});

test("what is freed is gone at once, also what came by a message", async () => {
  const { port1, port2 } = new MessageChannel();
  const came = new Promise<Uint8Array<ArrayBuffer>>((resolve) => {
    port1.onmessage = ({ data }) => resolve(data as Uint8Array<ArrayBuffer>);
  });
  const sent = new Uint8Array(1000);
  port2.postMessage(sent, [sent.buffer]);
  // Again and again: a port must not be told apart once it knows that its other end is closed.
  for (const bytes of [await came, new Uint8Array(1000), new Uint8Array(1000)]) {
    expect(bytes.length).toBe(1000);
    free(bytes);
    expect(bytes.length).toBe(0);
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
});
