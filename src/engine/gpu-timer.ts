/**
 * Which part of a step the GPU is busy: timestamps at both ends of the pass, against the time that the
 * step took. Only some steps are timed, one at a time, so that it costs nothing that can be measured.
 */
import type { GpuResources } from "./gpu-resources.ts";

/** Ten steps per second say enough of the others. */
const INTERVAL_MS = 100;
const BYTES = 2 * BigUint64Array.BYTES_PER_ELEMENT;

export class GpuTimer {
  readonly #querySet: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #staging: GPUBuffer;
  #inUse = false;
  #lastMs = -Infinity;
  #gpuMs = 0;
  #wallMs = 0;

  /** Null where the device has no timestamps. */
  static open(resources: GpuResources): GpuTimer | null {
    return resources.device.features.has("timestamp-query") ? new GpuTimer(resources) : null;
  }

  private constructor(resources: GpuResources) {
    const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
    this.#querySet = resources.device.createQuerySet({ type: "timestamp", count: 2 });
    this.#resolved = resources.buffer("timestamps", BYTES, QUERY_RESOLVE | COPY_SRC);
    this.#staging = resources.buffer("timestamps, read", BYTES, MAP_READ | COPY_DST);
  }

  /** Of the next step's pass, if it is timed: `resolve` and `finish` follow. */
  begin(): GPUComputePassDescriptor | undefined {
    const nowMs = performance.now();
    if (this.#inUse || nowMs - this.#lastMs < INTERVAL_MS) return undefined;
    this.#inUse = true;
    this.#lastMs = nowMs;
    const querySet = this.#querySet;
    return { timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 } };
  }

  /** After the pass, before the submit. */
  resolve(encoder: GPUCommandEncoder): void {
    encoder.resolveQuerySet(this.#querySet, 0, 2, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, BYTES);
  }

  /** When the step has finished, which took `wallMs` by the clock of this thread. Never rejects. */
  async finish(wallMs: number): Promise<void> {
    try {
      await this.#staging.mapAsync(GPUMapMode.READ);
    } catch {
      return; // the shard or its device is gone
    }
    const [start = 0n, end = 0n] = new BigUint64Array(this.#staging.getMappedRange(0, BYTES));
    this.#staging.unmap();
    this.#inUse = false;
    // Drivers may reset the counter between the two.
    if (end <= start || wallMs <= 0) return;
    this.#gpuMs += Number(end - start) / 1e6;
    this.#wallMs += wallMs;
  }

  /** GPU time over step time since the last call, at most 1; null without a timed step. */
  share(): number | null {
    const share = this.#wallMs > 0 ? Math.min(1, this.#gpuMs / this.#wallMs) : null;
    this.#gpuMs = this.#wallMs = 0;
    return share;
  }

  destroy(): void {
    this.#querySet.destroy();
  }
}
