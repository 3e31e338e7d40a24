/**
 * Knowing when the GPU is done: a word copied to a mapped buffer, as the engine
 * reads its results; with submits while waiting where they help
 * (kernels/core/submit-while-waiting.ts).
 */
import { ExpectedWait } from "../kernels/index.ts";

export class Completion {
  private readonly device: GPUDevice;
  private readonly source: GPUBuffer;
  private readonly staging: GPUBuffer;
  readonly #expected = new ExpectedWait();
  submitWhileWaiting = true;

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
    if (this.submitWhileWaiting) await this.#expected.settle(device, mapped);
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
