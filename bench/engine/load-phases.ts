/**
 * What each phase of a load costs by itself, in ns per byte of the file: bytes from the server, their
 * hashes, the disk (written, then read), the kernels' layout, and the copy to the GPU (`upload` by
 * `writeBuffer`, `mapped` through mapped buffers, as a load does). A load runs them at the same time, in several
 * threads, so it takes less than their sum.
 */
import { packRows, Uploads } from "../../src/kernels/index.ts";
import { type ByteSource, CHUNK_BYTES, ModelCache, sha256 } from "../../src/model/index.ts";
import type { LoadPhases } from "./requests.ts";

/** Enough that starting costs little; as many reads at a time as a load has. */
const SAMPLE_CHUNKS = 64;
const READ_CHUNKS = 4;
const AT_ONCE = 6;
const FORMAT = "Q4_0";
/** Whole rows of every read. */
const COLUMNS = 1024;
const ROW_BYTES = (COLUMNS / 32) * 18;

export async function measureLoadPhases(
  device: GPUDevice,
  source: ByteSource,
): Promise<LoadPhases | null> {
  const count = Math.min(SAMPLE_CHUNKS, Math.floor(source.fileBytes / CHUNK_BYTES));
  const cache = await ModelCache.open("bench-models");
  if (cache === null) return null;
  await cache.clear();
  const store = await cache.store("load", source.fileBytes);
  const runs: Uint8Array<ArrayBuffer>[] = [];
  const leaves: Awaited<ReturnType<typeof sha256>>[] = [];
  const indices = Array.from({ length: count }, (_, index) => index);
  const chunk = (index: number) => {
    const at = (index % READ_CHUNKS) * CHUNK_BYTES;
    return runs[Math.floor(index / READ_CHUNKS)]!.subarray(at, at + CHUNK_BYTES);
  };
  const nsPerByte = async (work: () => Promise<unknown>) => {
    const start = performance.now();
    await work();
    return ((performance.now() - start) * 1e6) / (count * CHUNK_BYTES);
  };
  const starts = indices.filter((index) => index % READ_CHUNKS === 0);
  const fetch = await nsPerByte(() =>
    inParallel(starts, async (index) => {
      const chunks = Math.min(READ_CHUNKS, count - index);
      runs[index / READ_CHUNKS] = await source.read(index * CHUNK_BYTES, chunks * CHUNK_BYTES);
    }),
  );
  const hash = await nsPerByte(() =>
    inParallel(indices, async (index) => (leaves[index] = await sha256(chunk(index)))),
  );
  const write = (index: number) => store.write(index, chunk(index), leaves[index]!);
  const stored = await nsPerByte(() => inParallel(indices, write));
  const read = await nsPerByte(() =>
    inParallel(indices, (index) => store.readRange(index * CHUNK_BYTES, CHUNK_BYTES)),
  );
  const rows = runs.map((run) => run.subarray(0, run.length - (run.length % ROW_BYTES)));
  const packed = rows.map((run) => packRows(FORMAT, COLUMNS, [run])); // also compiles it
  const pack = await nsPerByte(async () => {
    for (const run of rows) packRows(FORMAT, COLUMNS, [run]);
    await Promise.resolve();
  });
  const buffer = device.createBuffer({
    size: 2 * READ_CHUNKS * CHUNK_BYTES,
    usage: GPUBufferUsage.COPY_DST,
  });
  const upload = await nsPerByte(async () => {
    for (const { quants, meta } of packed) {
      device.queue.writeBuffer(buffer, 0, quants);
      device.queue.writeBuffer(buffer, 0, meta);
    }
    device.queue.submit([]);
    await device.queue.onSubmittedWorkDone();
  });
  const mapped = await nsPerByte(async () => {
    const uploads = new Uploads(device);
    for (const { quants, meta } of packed)
      for (const bytes of [quants, meta]) await uploads.write(bytes, buffer, 0);
    uploads.end();
    await device.queue.onSubmittedWorkDone();
  });
  buffer.destroy();
  await cache.clear();
  return { fetch, hash, store: stored, read, pack, upload, mapped };
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>) {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
