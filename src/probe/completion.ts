/**
 * The time until the page knows that the GPU is done: a word copied to a mapped buffer, as the
 * engine reads its results.
 */
import { ExpectedWait, recordRepeats } from "../kernels/index.ts";

export type RecordWork = (pass: GPUComputePassEncoder) => unknown;

export class Completion {
  readonly #device: GPUDevice;
  readonly #source: GPUBuffer;
  readonly #staging: GPUBuffer;
  /** By repeats of `#record`; an estimate from other work would delay the first samples. */
  #expected = new Map<number, ExpectedWait>();
  #record: RecordWork | null = null;
  submitWhileWaiting = true;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#source = device.createBuffer({ size: 4, usage: GPUBufferUsage.COPY_SRC });
    this.#staging = device.createBuffer({
      size: 4,
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    });
  }

  /** Submits so many repeats of `record` and resolves with the milliseconds until a word came back. */
  async time(record: RecordWork, repeats: number): Promise<number> {
    if (record !== this.#record) this.#expected.clear();
    this.#record = record;
    const expected = this.#expected.get(repeats) ?? new ExpectedWait();
    this.#expected.set(repeats, expected);
    const start = performance.now();
    const encoder = recordRepeats(this.#device, record, repeats);
    encoder.copyBufferToBuffer(this.#source, 0, this.#staging, 0, 4);
    this.#device.queue.submit([encoder.finish()]);
    const mapped = this.#staging.mapAsync(GPUMapMode.READ);
    if (this.submitWhileWaiting) await expected.settle(this.#device, mapped);
    else await mapped;
    const ms = performance.now() - start;
    this.#staging.unmap();
    return ms;
  }

  destroy(): void {
    this.#source.destroy();
    this.#staging.destroy();
  }
}
