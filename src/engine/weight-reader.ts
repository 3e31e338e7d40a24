/**
 * Streams tensors from where their bytes are, a few megabytes at a time, and
 * tells how far it is. Knows nothing of what the tensors are for.
 */
import { dequantize } from "../tensor/dequantize.ts";
import { rowBytes } from "../tensor/block-format.ts";
import type { ByteReader, TensorInfo } from "../model/description.ts";
import type { GpuResources } from "./gpu-resources.ts";

/** Read at once: large enough that a range request is worth it, small beside a phone's memory. */
const CHUNK_BYTES = 8 * 1024 * 1024;

export class WeightReader {
  readonly device: GPUDevice;
  readonly #resources: GpuResources;
  readonly #reader: ByteReader;
  readonly #onBytes: (bytes: number) => void;

  constructor(resources: GpuResources, reader: ByteReader, onBytes: (bytes: number) => void) {
    this.device = resources.device;
    this.#resources = resources;
    this.#reader = reader;
    this.#onBytes = onBytes;
  }

  /** Hands over the rows of equally shaped tensors in chunks, with the first row of each. */
  async rows(
    tensors: readonly TensorInfo[],
    use: (firstRow: number, sources: readonly Uint8Array[]) => void,
  ): Promise<void> {
    const { format, columns, rows } = tensors[0]!;
    const bytes = rowBytes(format, columns);
    const most = Math.max(1, Math.floor(CHUNK_BYTES / tensors.length / bytes));
    for (let first = 0; first < rows; first += most) {
      const count = Math.min(most, rows - first);
      const sources = await Promise.all(
        tensors.map(({ offsetBytes }) =>
          this.#reader.read(offsetBytes + first * bytes, count * bytes),
        ),
      );
      use(first, sources);
      this.#onBytes(count * bytes * tensors.length);
    }
  }

  /** Vectors one after the other as f32; those that are null are left out. */
  async vectors(label: string, tensors: readonly (TensorInfo | null)[]): Promise<GPUBuffer> {
    const present = tensors.filter((tensor) => tensor !== null);
    const parts = [];
    for (const { format, offsetBytes, lengthBytes } of present) {
      parts.push(dequantize(format, await this.#reader.read(offsetBytes, lengthBytes)));
      this.#onBytes(lengthBytes);
    }
    const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    const buffer = this.#resources.storage(label, all.byteLength);
    if (all.length > 0) this.#resources.write(buffer, all);
    return buffer;
  }
}
