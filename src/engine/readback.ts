/**
 * Reads results back: copies into a staging buffer from a small pool, and maps it.
 *
 * Firefox looks for completed work only on a 100 ms timer, or when something is
 * submitted (https://bugzilla.mozilla.org/show_bug.cgi?id=1870699). Where a probe
 * says that it helps, an empty submit about every millisecond while a map is
 * pending brings 100 ms down to 1 or 2. Delete the nudge when the bug is fixed.
 */
import type { GpuResources } from "./gpu-resources.ts";

/** Time between two nudges: faster floods the browser's process, slower waits. */
const NUDGE_MS = 1;

export class Readback {
  readonly #resources: GpuResources;
  readonly #nudge: boolean;
  readonly #free: GPUBuffer[] = [];
  readonly #bytes: number;

  /** Staging buffers hold `bytes`; one is made when all others are in use. */
  constructor(resources: GpuResources, bytes: number, nudge: boolean) {
    this.#resources = resources;
    this.#bytes = bytes;
    this.#nudge = nudge;
  }

  /** Records the copy; call the result after the submit to get the bytes. */
  record(encoder: GPUCommandEncoder, source: GPUBuffer, bytes: number): () => Promise<ArrayBuffer> {
    const { MAP_READ, COPY_DST } = GPUBufferUsage;
    const staging =
      this.#free.pop() ?? this.#resources.buffer("readback", this.#bytes, MAP_READ | COPY_DST);
    encoder.copyBufferToBuffer(source, 0, staging, 0, bytes);
    this.#resources.counters.readbacks++;
    this.#resources.counters.readbackBytes += bytes;
    return async () => {
      const mapped = staging.mapAsync(GPUMapMode.READ, 0, bytes);
      await (this.#nudge ? nudged(this.#resources.device, mapped) : mapped);
      const copy = staging.getMappedRange(0, bytes).slice(0);
      staging.unmap();
      this.#free.push(staging);
      return copy;
    };
  }
}

/** Waits for `pending` while submitting nothing, again and again. */
async function nudged(device: GPUDevice, pending: Promise<undefined>): Promise<void> {
  let waiting = true;
  const settled = pending.finally(() => {
    waiting = false;
  });
  // The loop below only makes `pending` settle sooner; whoever awaits `settled` sees a failure.
  settled.catch(() => undefined);
  let last = performance.now();
  while (waiting) {
    await nextTask();
    if (performance.now() - last < NUDGE_MS) continue;
    device.queue.submit([]);
    last = performance.now();
  }
  await settled;
}

const channel = new MessageChannel();
const waiters: (() => void)[] = [];
channel.port1.onmessage = () => waiters.shift()?.();

/** A turn of the event loop that no hidden tab slows, unlike a timer. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    waiters.push(resolve);
    channel.port2.postMessage(null);
  });
}
