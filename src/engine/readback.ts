/** Reads results back: copies into a staging buffer from a small pool, and maps it. */
import { nudged } from "../kernels/nudge.ts";
import type { GpuResources } from "./gpu-resources.ts";

export class Readback {
  readonly #resources: GpuResources;
  readonly #submitWhileWaiting: boolean;
  readonly #free: GPUBuffer[] = [];
  readonly #bytes: number;

  /**
   * Staging buffers hold `bytes`; one is made when all others are in use. `submitWhileWaiting`
   * where a probe says that it helps (nudge.ts).
   */
  constructor(resources: GpuResources, bytes: number, submitWhileWaiting: boolean) {
    this.#resources = resources;
    this.#bytes = bytes;
    this.#submitWhileWaiting = submitWhileWaiting;
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
      await (this.#submitWhileWaiting ? nudged(this.#resources.device, mapped) : mapped);
      const copy = staging.getMappedRange(0, bytes).slice(0);
      staging.unmap();
      this.#free.push(staging);
      return copy;
    };
  }
}
