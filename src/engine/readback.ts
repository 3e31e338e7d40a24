/** Reads results back: copies into a staging buffer from a small pool, and maps it. */
import { ExpectedWait } from "../kernels/index.ts";
import type { GpuResources } from "./gpu-resources.ts";

export class Readback {
  readonly #resources: GpuResources;
  readonly #submitWhileWaiting: boolean;
  readonly #free: GPUBuffer[] = [];
  readonly #bytes: number;
  /** By rows: steps with the same number of rows take about equally long. */
  readonly #expected = new Map<number, ExpectedWait>();
  /** Settles when the newest readback has. */
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Staging buffers hold `bytes`; one is created when all others are in use. `submitWhileWaiting`
   * where the probe measured that it helps (kernels/core/submit-while-waiting.ts).
   */
  constructor(resources: GpuResources, bytes: number, submitWhileWaiting: boolean) {
    this.#resources = resources;
    this.#bytes = bytes;
    this.#submitWhileWaiting = submitWhileWaiting;
  }

  /** Records the copy behind a step of `rows`; call the result after the submit to get the bytes. */
  record(
    encoder: GPUCommandEncoder,
    source: GPUBuffer,
    bytes: number,
    rows: number,
  ): () => Promise<ArrayBuffer> {
    const { MAP_READ, COPY_DST } = GPUBufferUsage;
    const staging =
      this.#free.pop() ?? this.#resources.buffer("readback", this.#bytes, MAP_READ | COPY_DST);
    encoder.copyBufferToBuffer(source, 0, staging, 0, bytes);
    this.#resources.counters.readbacks++;
    this.#resources.counters.readbackBytes += bytes;
    return async () => {
      const mapped = staging.mapAsync(GPUMapMode.READ, 0, bytes);
      await (this.#submitWhileWaiting ? this.#inTurn(rows, mapped) : mapped);
      const copy = staging.getMappedRange(0, bytes).slice(0);
      staging.unmap();
      this.#free.push(staging);
      return copy;
    };
  }

  /** Steps end in order: only the oldest one submits while it waits, however many are in flight. */
  async #inTurn(rows: number, mapped: Promise<void>): Promise<void> {
    const before = this.#last;
    const expected = this.#expected.get(rows) ?? new ExpectedWait();
    this.#expected.set(rows, expected);
    const settled = before.then(() => expected.settle(this.#resources.device, mapped));
    this.#last = settled.catch(() => undefined);
    await settled;
  }
}
