/**
 * Streams tensors from their source, a few megabytes at a time, and reports progress. Reads are queued
 * first and performed by `fill`, so that buffers exist, and kernels compile, while their contents are
 * still being loaded. Several reads are in progress at a time, so that the source, the threads
 * between, and the GPU work at once; their bytes are uploaded in order. Does not know what the tensors
 * are for.
 */
import { dequantize, rowBytes } from "../tensor/index.ts";
import type { ByteReader, TensorInfo } from "../model/index.ts";
import type { WriteBytes } from "../kernels/index.ts";
import type { GpuResources } from "./gpu-resources.ts";
import type { Pack } from "./pack-threads.ts";

/** Large enough for an efficient range request, small beside a phone's memory. */
const READ_BYTES = 4 * 1024 * 1024;
/** Bounds the memory of reads that are in progress or wait for their turn. */
const MAX_BYTES_AHEAD = 32 * 1024 * 1024;
/** Small tensors wait only for the threads between here and the source. */
const MAX_READS_AHEAD = 32;

/** Prepares bytes for the GPU; what it returns uploads them. */
type Use = (sources: readonly Uint8Array<ArrayBuffer>[]) => (() => void) | Promise<() => void>;

/** One read of a part of some tensors, and what happens to its bytes. */
type QueuedRead = {
  readonly ranges: readonly { readonly offsetBytes: number; readonly lengthBytes: number }[];
  readonly use: Use;
};

type RunningRead = { readonly bytes: number; readonly prepared: Promise<() => void> };

export class WeightReader {
  readonly device: GPUDevice;
  readonly #resources: GpuResources;
  readonly #reader: ByteReader;
  readonly pack: Pack;
  readonly write: WriteBytes;
  readonly #onBytes: (bytes: number) => void;
  readonly #queued: QueuedRead[] = [];
  #unsubmitted = 0;
  #taken: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(
    resources: GpuResources,
    reader: ByteReader,
    { pack, write }: { readonly pack: Pack; readonly write: WriteBytes },
    onBytes: (bytes: number) => void,
  ) {
    this.pack = pack;
    this.write = write;
    this.device = resources.device;
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
      upload();
      this.#onBytes(first.bytes);
      bytesAhead -= first.bytes;
      await this.#pace(first.bytes);
    }
  }

  /** Waits while more than `2 * MAX_BYTES_AHEAD` are on their way to the GPU, so that memory use stays flat. */
  async #pace(bytes: number): Promise<void> {
    this.#unsubmitted += bytes;
    if (this.#unsubmitted < MAX_BYTES_AHEAD) return;
    this.#unsubmitted = 0;
    const earlier = this.#taken;
    this.device.queue.submit([]);
    this.#taken = this.device.queue.onSubmittedWorkDone();
    this.#taken.catch(() => undefined); // a lost device ends the load elsewhere
    await earlier;
  }

  #start({ ranges, use }: QueuedRead): RunningRead {
    const reads = ranges.map((range) => this.#reader.read(range.offsetBytes, range.lengthBytes));
    const prepared = Promise.all(reads).then(use);
    prepared.catch(() => undefined); // `fill` may end before its turn
    return { prepared, bytes: ranges.reduce((sum, range) => sum + range.lengthBytes, 0) };
  }

  /** Ends `fill` before its next read, because the buffers are gone. */
  stop(): void {
    this.#stopped = true;
  }

  /** Queues the rows of tensors of one shape; `use` gets chunks of them, with the first row of each. */
  rows(
    tensors: readonly TensorInfo[],
    use: (firstRow: number, sources: Parameters<Use>[0]) => ReturnType<Use>,
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
      this.#queued.push({ ranges, use: (sources) => use(first, sources) });
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

  /** A buffer of `floats` f32 that are computed, not read. */
  computed(label: string, floats: number, compute: () => Float32Array<ArrayBuffer>): GPUBuffer {
    const buffer = this.#resources.storage(label, floats * 4);
    const use: Use = () => () => this.#resources.write(buffer, compute());
    this.#queued.push({ ranges: [], use });
    return buffer;
  }
}
