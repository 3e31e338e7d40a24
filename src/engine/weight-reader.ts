/**
 * Streams tensors from their source, a few megabytes at a time, and reports progress. Reads are queued
 * first and performed by `fill`, so that buffers exist, and kernels compile, while their contents are
 * still being loaded. Does not know what the tensors are for.
 */
import { dequantize, rowBytes } from "../tensor/index.ts";
import type { ByteReader, TensorInfo } from "../model/index.ts";
import type { GpuResources } from "./gpu-resources.ts";

/** Large enough for an efficient range request, small beside a phone's memory. */
const CHUNK_BYTES = 8 * 1024 * 1024;

export class WeightReader {
  readonly device: GPUDevice;
  readonly #resources: GpuResources;
  readonly #reader: ByteReader;
  readonly #onBytes: (bytes: number) => void;
  readonly #queued: (() => Promise<void>)[] = [];
  #stopped = false;

  constructor(resources: GpuResources, reader: ByteReader, onBytes: (bytes: number) => void) {
    this.device = resources.device;
    this.#resources = resources;
    this.#reader = reader;
    this.#onBytes = onBytes;
  }

  /** Performs the queued reads, one after the other. */
  async fill(): Promise<void> {
    for (const read of this.#queued.splice(0)) await read();
  }

  /** Ends `fill` before its next read, because the buffers are gone. */
  stop(): void {
    this.#stopped = true;
  }

  /** Queues the rows of tensors of one shape; `use` gets them in chunks, with the first row of each. */
  rows(
    tensors: readonly TensorInfo[],
    use: (firstRow: number, sources: readonly Uint8Array[]) => void,
  ): void {
    this.#queued.push(() => this.#readRows(tensors, use));
  }

  async #readRows(
    tensors: readonly TensorInfo[],
    use: (firstRow: number, sources: readonly Uint8Array[]) => void,
  ): Promise<void> {
    const { format, columns, rows } = tensors[0]!;
    const bytes = rowBytes(format, columns);
    const maxRows = Math.max(1, Math.floor(CHUNK_BYTES / tensors.length / bytes));
    for (let first = 0; first < rows; first += maxRows) {
      const count = Math.min(maxRows, rows - first);
      const sources = await Promise.all(
        tensors.map(({ offsetBytes }) =>
          this.#reader.read(offsetBytes + first * bytes, count * bytes),
        ),
      );
      if (this.#stopped) return;
      use(first, sources);
      this.#onBytes(count * bytes * tensors.length);
    }
  }

  /** A buffer of consecutive vectors as f32; null ones are skipped. */
  vectors(label: string, tensors: readonly (TensorInfo | null)[]): GPUBuffer {
    const present = tensors.filter((tensor) => tensor !== null);
    const floats = present.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
    const buffer = this.#resources.storage(label, floats * 4);
    if (floats > 0) this.#queued.push(() => this.#readVectors(buffer, floats, present));
    return buffer;
  }

  /** A buffer of `floats` f32 that are computed, not read. */
  computed(label: string, floats: number, compute: () => Float32Array<ArrayBuffer>): GPUBuffer {
    const buffer = this.#resources.storage(label, floats * 4);
    this.#queued.push(() => {
      if (!this.#stopped) this.#resources.write(buffer, compute());
      return Promise.resolve();
    });
    return buffer;
  }

  async #readVectors(
    buffer: GPUBuffer,
    floats: number,
    tensors: readonly TensorInfo[],
  ): Promise<void> {
    const all = new Float32Array(floats);
    let at = 0;
    for (const { format, offsetBytes, lengthBytes } of tensors) {
      const part = dequantize(format, await this.#reader.read(offsetBytes, lengthBytes));
      all.set(part, at);
      at += part.length;
      this.#onBytes(lengthBytes);
    }
    if (!this.#stopped) this.#resources.write(buffer, all);
  }
}
