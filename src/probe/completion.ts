/**
 * Knowing when the GPU is done: a word copied to a mapped buffer, as the engine
 * reads its results.
 *
 * Workaround: Firefox polls for finished work on a 100 ms timer
 * (https://bugzilla.mozilla.org/show_bug.cgi?id=1870699); a submit in between
 * makes it look at once. Delete the nudge when that bug is closed.
 */
export class Completion {
  private readonly device: GPUDevice;
  private readonly source: GPUBuffer;
  private readonly staging: GPUBuffer;
  nudge = true;

  constructor(device: GPUDevice) {
    this.device = device;
    this.source = device.createBuffer({ size: 4, usage: GPUBufferUsage.COPY_SRC });
    this.staging = device.createBuffer({
      size: 4,
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    });
  }

  /** Submits what `record` records and resolves with the milliseconds until a word came back. */
  async time(record: (encoder: GPUCommandEncoder) => void): Promise<number> {
    const { device, source, staging } = this;
    const start = performance.now();
    const encoder = device.createCommandEncoder();
    record(encoder);
    encoder.copyBufferToBuffer(source, 0, staging, 0, 4);
    device.queue.submit([encoder.finish()]);
    const mapped = staging.mapAsync(GPUMapMode.READ);
    if (this.nudge) await nudgeUntil(device, mapped);
    else await mapped;
    const ms = performance.now() - start;
    staging.unmap();
    return ms;
  }

  destroy(): void {
    this.source.destroy();
    this.staging.destroy();
  }
}

async function nudgeUntil(device: GPUDevice, mapped: Promise<void>): Promise<void> {
  let pending = true;
  const settled = mapped.finally(() => (pending = false));
  // Its rejection is thrown by the await below; until then it must not count as unhandled.
  settled.catch(() => undefined);
  while (pending) {
    await nextTask();
    if (pending) device.queue.submit([]);
  }
  await settled;
}

/** A turn of the event loop, without the 4 ms that a nested timeout would take. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
