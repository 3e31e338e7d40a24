/**
 * Streams tensors from their source, a few megabytes at a time, and reports progress. Reads are queued
 * first and performed by `fill`, so that buffers exist, and kernels compile, while their contents are
 * still being loaded. Several reads are in progress at a time, so that the source, the threads
 * between, and the GPU work at once; their bytes are uploaded in order. Does not know what the tensors
 * are for.
 */
import { packRows, Uploads } from "../kernels/index.ts";
import type { ByteReader, TensorInfo } from "../model/index.ts";
import { dequantize, rowBytes } from "../tensor/index.ts";
import type { GpuResources } from "./gpu-resources.ts";
import type { Pack } from "./pack-threads.ts";

/** Large enough for an efficient range request, small beside a phone's memory. */
const READ_BYTES = 4 * 1024 * 1024;
/** Bounds the memory of reads that are in progress or wait for their turn. */
const MAX_BYTES_AHEAD = 32 * 1024 * 1024;
/** Small tensors wait only for the threads between here and the source. */
const MAX_READS_AHEAD = 32;

type Upload = () => void | Promise<void>;

/** Prepares bytes for the GPU, by `pack` where they have a layout of their own there. */
type Use = (sources: readonly Uint8Array<ArrayBuffer>[], pack: Pack) => Upload | Promise<Upload>;

/** One read of a part of some tensors, and what happens to its bytes. */
type QueuedRead = {
  readonly ranges: readonly { readonly offsetBytes: number; readonly lengthBytes: number }[];
  readonly use: Use;
};

type RunningRead = { readonly bytes: number; readonly prepared: Promise<Upload> };

export class WeightReader {
  readonly device: GPUDevice;
  readonly #resources: GpuResources;
  readonly #reader: ByteReader;
  readonly #pack: Pack;
  readonly uploads: Uploads;
  readonly #onBytes: (bytes: number) => void;
  readonly #queued: QueuedRead[] = [];
  #stopped = false;

  constructor(
    resources: GpuResources,
    reader: ByteReader,
    pack: Pack,
    onBytes: (bytes: number) => void,
  ) {
    this.device = resources.device;
    this.uploads = new Uploads(resources.device);
    this.#pack = pack;
    this.#resources = resources;
    this.#reader = reader;
    this.#onBytes = onBytes;
  }

  /** Performs the queued reads. Rejects with the reader's first error. */
  async fill(): Promise<void> {
    const running: RunningRead[] = [];
    let bytesAhead = 0;
    let next = 0;
    while (!this.#stopped) {
      while (next < this.#queued.length && running.length < MAX_READS_AHEAD) {
        const read = this.#start(this.#queued[next]!);
        running.push(read);
        bytesAhead += read.bytes;
        next++;
        if (bytesAhead >= MAX_BYTES_AHEAD) break;
      }
      const first = running.shift();
      if (first === undefined) break;
      const upload = await first.prepared;
      if (this.#stopped) return;
      await upload();
      this.#onBytes(first.bytes);
      bytesAhead -= first.bytes;
    }
    this.uploads.end();
  }

  #start(queued: QueuedRead): RunningRead {
    const prepared = this.#prepare(queued);
    prepared.catch(() => undefined); // `fill` may end before its turn
    return { prepared, bytes: queued.ranges.reduce((sum, range) => sum + range.lengthBytes, 0) };
  }

  async #prepare({ ranges, use }: QueuedRead): Promise<Upload> {
    const read = () =>
      Promise.all(ranges.map((range) => this.#reader.read(range.offsetBytes, range.lengthBytes)));
    const sources = await read();
    try {
      return await use(sources, this.#pack);
    } catch {
      return use(await read(), packRows); // a packing thread has failed, and had the bytes
    }
  }

  /** Ends `fill` before its next read, because the buffers are gone. */
  stop(): void {
    this.#stopped = true;
    this.uploads.end();
  }

  /** Queues the rows of tensors of one shape; `use` gets chunks of them, with the first row of each. */
  rows(
    tensors: readonly TensorInfo[],
    use: (firstRow: number, ...prepare: Parameters<Use>) => ReturnType<Use>,
  ): void {
    const { format, columns, rows } = tensors[0]!;
    const bytes = rowBytes(format, columns);
    const maxRows = Math.max(1, Math.floor(READ_BYTES / tensors.length / bytes));
    for (let first = 0; first < rows; first += maxRows) {
      const lengthBytes = Math.min(maxRows, rows - first) * bytes;
      const ranges = tensors.map(({ offsetBytes }) => ({
        offsetBytes: offsetBytes + first * bytes,
        lengthBytes,
      }));
      this.#queued.push({ ranges, use: (...prepare) => use(first, ...prepare) });
    }
  }

  /** A buffer of consecutive vectors as f32; null ones are skipped. */
  vectors(label: string, tensors: readonly (TensorInfo | null)[]): GPUBuffer {
    const present = tensors.filter((tensor) => tensor !== null);
    const floats = present.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
    const buffer = this.#resources.storage(label, floats * 4);
    const use: Use = (sources) => {
      const all = new Float32Array(floats);
      let at = 0;
      for (const [index, source] of sources.entries()) {
        const part = dequantize(present[index]!.format, source);
        all.set(part, at);
        at += part.length;
      }
      return () => this.#resources.write(buffer, all);
    };
    if (floats > 0) this.#queued.push({ ranges: present, use });
    return buffer;
  }
}
