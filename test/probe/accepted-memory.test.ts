/** A tab's memory is what its adapter accepts, found without losing the device that computes. */
import { beforeAll, expect, test } from "vitest";
import { acceptedMemory } from "../../src/probe/accepted-memory.ts";

const GIB = 2 ** 30;

// Node has no WebGPU; planned-device.ts defines the same constants.
beforeAll(() => {
  globalThis.GPUBufferUsage ??= { STORAGE: 0x80 } as typeof GPUBufferUsage;
});

/** Accepts buffers up to `heapBytes`; then it reports an error, or is lost. */
function adapterWith(heapBytes: number, atLimit: "error" | "loss") {
  const open = { bytes: 0, buffers: 0, destroyed: false };
  let lose: (info: unknown) => void;
  let failed: unknown = null;
  const device = {
    limits: { maxBufferSize: 2 * GIB },
    lost: new Promise((resolve) => (lose = resolve)),
    pushErrorScope: () => undefined,
    createBuffer({ size }: { size: number }) {
      open.bytes += size;
      open.buffers += 1;
      if (open.bytes > heapBytes) {
        if (atLimit === "loss") lose({});
        else failed = new Error("out of memory");
      }
      return { destroy: () => (open.buffers -= 1) };
    },
    popErrorScope() {
      const error = failed;
      failed = null;
      return Promise.resolve(error);
    },
    destroy: () => (open.destroyed = true),
  };
  return { open, device: device as unknown as GPUDevice };
}

test.each(["error", "loss"] as const)(
  "an adapter with 6 GB of memory answers more with %s",
  async (atLimit) => {
    const { open, device } = adapterWith(6 * GIB, atLimit);
    const bytes = await acceptedMemory(() => Promise.resolve(device), 16 * GIB);
    expect(bytes).toBe(Math.floor(0.8 * 6 * GIB));
    expect(open).toMatchObject({ buffers: 0, destroyed: true });
  },
);

test("no more is tried than is wanted", async () => {
  const { open, device } = adapterWith(80 * GIB, "error");
  expect(await acceptedMemory(() => Promise.resolve(device), 4 * GIB)).toBe(4 * GIB);
  expect(open).toMatchObject({ bytes: 4 * GIB, buffers: 0 });
});
