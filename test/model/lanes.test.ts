/** A prefetch in several lanes: what is in flight, what it stores, and what a lane that fails changes. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CHUNK_BYTES, chunksOf } from "../../src/model/chunks.ts";
import { type Lane, Lanes, LaneService } from "../../src/model/lanes.ts";
import { shardTensors } from "../../src/model/shard.ts";
import type { ByteReader } from "../../src/model/description.ts";
import { readerFromPort } from "../../src/model/reader-port.ts";
import { WeightsService } from "../../src/model/weights-service.ts";
import { newCounters } from "../../src/engine/counters.ts";
import { GpuResources } from "../../src/engine/gpu-resources.ts";
import { WeightReader } from "../../src/engine/weight-reader.ts";
import { packRows } from "../../src/kernels/matmul/weights-pack.ts";
import { rowBytes } from "../../src/tensor/block-format.ts";
import { ADAPTERS } from "../../tools/gpu/adapters.ts";
import { plannedDevice } from "../../tools/gpu/planned-device.ts";
import { memoryStorage } from "../../tools/gguf/memory-store.ts";
import { type RangeServer, startRangeServer } from "../../tools/gguf/range-server.ts";
import { sameBytes } from "./recorded-source.ts";

const LANES = 4;
const LAYERS = [0, 4] as const;
const file = readFileSync("models/SmolLM2-135M-Instruct.Q4_1.gguf");

let server: RangeServer;
beforeAll(async () => {
  server = await startRangeServer(file);
});
afterAll(() => server[Symbol.asyncDispose]());

/** Lanes in this thread that count what is in flight. */
function counted(change: (lane: Lane) => Lane = (lane) => lane) {
  const storage = memoryStorage();
  const cache = Promise.resolve(storage);
  const fetched: number[] = [];
  let ranges = 0;
  let bytes = 0;
  const most = { ranges: 0, bytes: 0 };
  let written = 0;
  let passedOn = 0;
  const readBytes: number[] = [];
  const requested: number[] = [];
  const lanes = new Lanes(LANES, () => {
    const service = new LaneService(cache);
    const at = fetched.push(0) - 1;
    return change({
      async fetch(remote, offset, length, onNotice, kept) {
        fetched[at]! += length;
        requested.push(length);
        most.ranges = Math.max(most.ranges, (ranges += 1));
        most.bytes = Math.max(most.bytes, (bytes += length));
        try {
          const range = await service.fetch(remote, offset, length, onNotice, kept);
          written += range.stored.length;
          passedOn += range.bytes?.length ?? 0;
          return range;
        } finally {
          ranges -= 1;
          bytes -= length;
        }
      },
      read(...range) {
        readBytes.push(range[2]);
        return service.read(...range);
      },
    });
  });
  return {
    service: new WeightsService(cache, lanes),
    storage,
    fetched,
    most,
    written: () => written,
    passedOn: () => passedOn,
    readBytes,
    requested,
  };
}

async function prefetch(service: WeightsService) {
  const { summary } = await service.open({ kind: "url", url: server.url });
  await service.prefetch(summary.contentId, ...LAYERS, () => undefined);
  const tensors = shardTensors(service.shard(summary.contentId, ...LAYERS));
  const chunks = new Set(tensors.flatMap((one) => chunksOf(one.offsetBytes, one.lengthBytes)));
  return { contentId: summary.contentId, chunks };
}

test("ranges are in flight in all lanes, and bounded in bytes", async () => {
  const { service, storage, fetched, most, written, passedOn } = counted();
  const { contentId, chunks } = await prefetch(service);
  expect(fetched).toHaveLength(LANES);
  for (const bytes of fetched) expect(bytes).toBeGreaterThan(0);
  expect(most.ranges).toBeGreaterThanOrEqual(LANES);
  expect(most.ranges).toBeLessThanOrEqual(6);
  expect(most.bytes).toBeLessThanOrEqual(6 * 6 * CHUNK_BYTES); // 4 MiB touch up to 5 chunks
  expect(fetched.reduce((sum, bytes) => sum + bytes)).toBe(chunks.size * CHUNK_BYTES);
  expect(written()).toBe(chunks.size);
  expect(passedOn()).toBe(0); // they stay where they were stored
  const store = await storage.store(contentId);
  expect(store.present).toEqual(chunks);
  for (const index of chunks) {
    const expected = file.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
    const stored = await store.readRange(index * CHUNK_BYTES, expected.length);
    expect(sameBytes(stored!, expected)).toBe(true);
  }
});

test("reads during a prefetch share its fetches; memory does not grow with the model", async () => {
  const { service, fetched, readBytes, most, passedOn } = counted();
  const { summary } = await service.open({ kind: "url", url: server.url });
  const tensors = shardTensors(service.shard(summary.contentId, ...LAYERS));
  const chunks = new Set(tensors.flatMap((one) => chunksOf(one.offsetBytes, one.lengthBytes)));
  const { device } = plannedDevice(ADAPTERS[0]!);
  const reader = readerFromPort(service.reader(summary.contentId));
  let unused = 0;
  let mostUnused = 0;
  const counting: ByteReader = {
    async read(offset, length) {
      mostUnused = Math.max(mostUnused, (unused += length));
      return reader.read(offset, length);
    },
  };
  const weights = new WeightReader(
    new GpuResources(device, newCounters()),
    counting,
    packRows,
    (bytes) => (unused -= bytes),
  );
  for (const tensor of tensors)
    weights.rows([tensor], (first, [bytes]) => {
      const start = tensor.offsetBytes + first * rowBytes(tensor.format, tensor.columns);
      expect(sameBytes(bytes!, file.subarray(start, start + bytes!.length))).toBe(true);
      return () => undefined;
    });
  await Promise.all([
    service.prefetch(summary.contentId, ...LAYERS, () => undefined),
    weights.fill(),
  ]);
  expect(fetched.reduce((sum, bytes) => sum + bytes)).toBe(chunks.size * CHUNK_BYTES);
  expect(readBytes.reduce((sum, bytes) => sum + bytes)).toBe(
    tensors.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0),
  );
  expect(passedOn()).toBe(0);
  expect(most.bytes).toBeLessThanOrEqual(16 * 6 * CHUNK_BYTES);
  expect(mostUnused).toBeLessThanOrEqual(36 * CHUNK_BYTES);
});

test("neighboring tensors are requested together, few chunks at first", async () => {
  const { service, requested } = counted();
  const { chunks } = await prefetch(service);
  const gaps = [...chunks].filter((index) => !chunks.has(index - 1)).length;
  expect(requested.slice(0, 4)).toEqual([1, 2, 3, 4].map((count) => count * CHUNK_BYTES));
  expect(Math.max(...requested)).toBeLessThanOrEqual(8 * CHUNK_BYTES);
  expect(requested.length).toBeLessThanOrEqual(7 + chunks.size / 8 + gaps);
});

test("what is stored is neither fetched nor hashed nor written again", async () => {
  const first = counted();
  const { contentId } = await prefetch(first.service);
  const fetchedBefore = [...first.fetched];
  const writtenBefore = first.written();
  await first.service.prefetch(contentId, ...LAYERS, () => undefined);
  expect(first.fetched).toEqual(fetchedBefore);
  expect(first.written()).toBe(writtenBefore);
});

test("a stored range is read whole in a lane; where it is incomplete, chunk by chunk", async () => {
  const { service, storage, readBytes } = counted();
  const { contentId } = await prefetch(service);
  const [offset, length] = [3 * CHUNK_BYTES - 10, 2 * CHUNK_BYTES + 20];
  const expected = file.subarray(offset, offset + length);
  readBytes.length = 0;
  expect(sameBytes(await service.read(contentId, offset, length), expected)).toBe(true);
  expect(readBytes).toEqual([length]);
  (await storage.store(contentId)).lose(4);
  expect(sameBytes(await service.read(contentId, offset, length), expected)).toBe(true);
});

test("the work of a lane that fails is done by the thread itself; an error of the server is not", async () => {
  const failing = counted(() => {
    const fail = () => Promise.reject(new Error("no script"));
    return { fetch: fail, read: fail };
  });
  const { contentId, chunks } = await prefetch(failing.service);
  expect((await failing.storage.store(contentId)).present).toEqual(chunks);
  const { service, fetched } = counted();
  const { summary } = await service.open({ kind: "url", url: server.url });
  server.behavior.status = 404;
  const before = server.requests.length;
  await expect(
    service.prefetch(summary.contentId, ...LAYERS, () => undefined),
  ).rejects.toMatchObject({ failure: { reason: "http_status", status: 404 } });
  expect(server.requests.length - before).toBeLessThanOrEqual(6);
  expect(fetched.length).toBeGreaterThan(0);
  delete server.behavior.status;
});
