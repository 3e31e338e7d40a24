/** Models on a real browser's disk: resuming, evicting, a full disk, and the worker that does it. */
import * as Comlink from "comlink";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { blobSource } from "../../src/model/byte-source.ts";
import { CachedSource } from "../../src/model/cached-source.ts";
import { CHUNK_BYTES, encodeChunkMap, leavesOf, rootOf } from "../../src/model/chunks.ts";
import { ModelCache } from "../../src/model/model-cache.ts";
import { failureOf } from "../../src/shared/failure.ts";
import { exposeReader, readerFromPort } from "../../src/model/reader-port.ts";
import { shardTensors } from "../../src/model/shard.ts";
import { MemberId } from "../../src/shared/ids.ts";
import type { WeightsWorker } from "../../workers/weights.worker.ts";
import { tinyModel } from "../../tools/gguf/tiny-gguf.ts";
import { neverNotice, recorded, sameBytes, sharedOf } from "./recorded-source.ts";

const FOLDER = "test-models";
const file = Uint8Array.from(
  { length: 3 * CHUNK_BYTES + 1000 },
  (_, i) => (i * 13 + (i >> 12)) & 0xff,
);

async function openCache(): Promise<ModelCache> {
  const cache = await ModelCache.open(FOLDER);
  if (cache === null) throw new Error("this browser has no origin private file system");
  return cache;
}

beforeEach(async () => (await openCache()).clear());
afterAll(async () => (await openCache()).clear());

test("a cached source resumes after a reload, without an incomplete chunk", async () => {
  const first = await (await openCache()).store("a", file.length);
  await new CachedSource(sharedOf(recorded(file)), first, neverNotice).read(0, 2 * CHUNK_BYTES);
  await first.write(1, file.slice(0, 100), null); // incomplete
  const origin = recorded(file);
  const second = await (await openCache()).store("a", file.length);
  const source = new CachedSource(sharedOf(origin), second, neverNotice);
  expect(sameBytes(await source.read(0, file.length), file)).toBe(true);
  expect(origin.reads).toEqual([
    [2 * CHUNK_BYTES, CHUNK_BYTES + 1000],
    [CHUNK_BYTES, CHUNK_BYTES],
  ]);
});

test("a chunk that was not compared with the source counts until the tab closes", async () => {
  const peer = recorded(file);
  const unchecked = {
    ...peer,
    leaves: new Map(),
    fetch: (...range: [number, number]) => peer.read(...range),
  };
  const first = await (await openCache()).store("a", file.length);
  const source = new CachedSource(unchecked, first, neverNotice);
  await source.read(0, CHUNK_BYTES);
  await source.read(0, CHUNK_BYTES);
  expect(peer.reads).toEqual([[0, CHUNK_BYTES]]);
  expect((await source.chunkMap()).held.size).toBe(0);
  const origin = recorded(file);
  const second = await (await openCache()).store("a", file.length);
  await new CachedSource(sharedOf(origin), second, neverNotice).read(0, CHUNK_BYTES);
  expect(origin.reads).toEqual([[0, CHUNK_BYTES]]);
  const third = await (await openCache()).store("a", file.length);
  expect((await new CachedSource(sharedOf(origin), third, neverNotice).chunkMap()).held).toEqual(
    new Set([0]),
  );
});

describe("stored models", () => {
  test("are listed by last use, removed and cleared", async () => {
    const cache = await openCache();
    let nowMs = Date.now();
    const clock = vi.spyOn(Date, "now").mockImplementation(() => (nowMs += 1));
    for (const id of ["a", "b", "c"]) {
      const store = await cache.store(id, file.length);
      await store.write(0, file.slice(0, CHUNK_BYTES), null);
    }
    clock.mockRestore();
    expect(await cache.list()).toEqual(["c", "b", "a"]);
    await cache.remove("b");
    await cache.remove("b");
    expect(await cache.list()).toEqual(["c", "a"]);
    await cache.clear();
    expect(await cache.list()).toEqual([]);
  });

  test("are evicted by last use when the disk is full, except those in use", async () => {
    for (const id of ["old", "older"]) {
      await (await (await openCache()).store(id, 1)).write(0, file.slice(0, 10), null);
    }
    const cache = await openCache();
    const used = await cache.store("used", file.length);
    let full = 2;
    await withFullDisk(
      () => full-- > 0,
      () => used.write(0, file.slice(0, CHUNK_BYTES), null),
    );
    expect(await cache.list()).toEqual(["used"]);
    const refused = withFullDisk(
      () => true,
      () => used.write(1, file.slice(0, CHUNK_BYTES), null),
    );
    await expect(refused).rejects.toMatchObject({
      failure: { reason: "storage_full", wantedBytes: CHUNK_BYTES },
    });
  });
});

/** Makes the browser's own writer fail as on a full disk while `isFull()` is true. */
async function withFullDisk<T>(isFull: () => boolean, action: () => Promise<T>): Promise<T> {
  const prototype = FileSystemWritableFileStream.prototype;
  const write = Object.getOwnPropertyDescriptor(prototype, "write");
  if (write === undefined) throw new Error("no writer to fail");
  prototype.write = function (this: FileSystemWritableFileStream, data: FileSystemWriteChunkType) {
    if (isFull()) return Promise.reject(new DOMException("full", "QuotaExceededError"));
    return (write.value as typeof prototype.write).call(this, data);
  };
  try {
    return await action();
  } finally {
    Object.defineProperty(prototype, "write", write);
  }
}

describe("the weights worker", () => {
  const start = (): { worker: Worker; remote: Comlink.Remote<WeightsWorker> } => {
    const worker = new Worker(new URL("../../workers/weights.worker.ts", import.meta.url), {
      type: "module",
    });
    return { worker, remote: Comlink.wrap<WeightsWorker>(worker) };
  };
  /** The same script in a thread that sees another number of cores, as do its lanes. */
  const startOnCores = async (cores: number) => {
    const script = new URL(
      "../../workers/weights.worker.ts?worker_file&type=module",
      import.meta.url,
    );
    const lines = [
      `Object.defineProperty(navigator, "hardwareConcurrency", { value: ${cores} });`,
      `new BroadcastChannel("threads").postMessage("started");`,
      "const early = []; const keep = (event) => early.push(event);",
      'addEventListener("message", keep);',
      `await import(${JSON.stringify(script.href)});`,
      'removeEventListener("message", keep); postMessage("started");',
      "for (const { data, ports } of early)",
      '  dispatchEvent(new MessageEvent("message", { data, ports: [...ports], origin }));',
    ];
    const blob = new Blob([lines.join("\n")], { type: "text/javascript" });
    const worker = new Worker(URL.createObjectURL(blob), { type: "module" });
    await new Promise<void>((resolve) =>
      worker.addEventListener("message", () => resolve(), { once: true }),
    );
    return { worker, remote: Comlink.wrap<WeightsWorker>(worker) };
  };
  const url = new URL("/models/SmolLM2-135M-Instruct.Q4_1.gguf", location.href).href;

  test.each([2, 5])(
    "on %d cores, downloads only a shard, and serves it to another thread from the disk",
    async (cores) => {
      let threads = 0;
      const started = new BroadcastChannel("threads");
      started.onmessage = () => (threads += 1);
      const { worker, remote } = await startOnCores(cores);
      await remote.clearStored();
      const { summary } = await remote.open({ kind: "url", url });
      expect(summary.layers).toHaveLength(30);
      const progress: number[] = [];
      await remote.prefetch(
        summary.contentId,
        10,
        12,
        Comlink.proxy(({ doneBytes, totalBytes }) => void progress.push(doneBytes / totalBytes)),
      );
      // The last report has its own channel and may arrive after the result.
      await vi.waitFor(() => expect(progress.at(-1)).toBe(1));
      expect(progress.at(0)).toBe(0);
      expect(threads > 1).toBe(cores > 2); // lanes run the same script
      started.close();
      const shardBytes = 2 * (summary.layers[10]?.weightBytes ?? 0);
      expect(await (await ModelCache.open())?.list()).toEqual([summary.contentId]);
      const onDisk = await storedBytes(summary.contentId);
      expect(onDisk).toBeGreaterThanOrEqual(shardBytes);
      expect(onDisk).toBeLessThanOrEqual(shardBytes + 4 * CHUNK_BYTES);

      const shard = await remote.shard(summary.contentId, 10, 12);
      const reader = readerFromPort(await remote.reader(summary.contentId));
      const [tensor] = shardTensors(shard);
      if (tensor === undefined) throw new Error("a shard has tensors");
      const expected = await fetchRange(url, tensor.offsetBytes, tensor.lengthBytes);
      const read = await reader.read(tensor.offsetBytes, tensor.lengthBytes);
      expect(sameBytes(read, expected)).toBe(true);
      await remote.clearStored();
      worker.terminate();
    },
  );

  test("opens a picked file, and a peer's through its port", async () => {
    const { worker, remote } = start();
    const bytes = tinyModel();
    const member = MemberId.parse("abc");
    const blob = new Blob([bytes]);
    const own = await remote.open({ kind: "file", file: blob, fileName: "tiny.gguf", member });
    expect(own.summary.source).toEqual({ kind: "member", member, fileName: "tiny.gguf" });
    const source = blobSource(blob, "tiny.gguf");
    const leaves = await leavesOf(source);
    const root = await rootOf(bytes.length, leaves);
    expect(own.summary.contentId).toBe(root);
    const known = { held: new Set(leaves.keys()), leaves: new Map(leaves.entries()) };
    const map = new Blob([encodeChunkMap(known, bytes.length)]);
    const ports = {
      bytes: exposeReader(source),
      map: exposeReader(blobSource(map, "map")),
    };
    const request = {
      kind: "peer",
      member,
      fileName: "tiny.gguf",
      fileBytes: bytes.length,
      root,
      peers: [{ member, ...ports }],
    } as const;
    const theirs = await remote.open(Comlink.transfer(request, Object.values(ports)));
    expect(theirs.summary).toEqual(own.summary);
    expect(await remote.read(theirs.summary.contentId, 0, 4)).toEqual(bytes.slice(0, 4));
    await remote.clearStored();
    worker.terminate();
  });

  test("rejects with a failure that survives the thread boundary", async () => {
    const { worker, remote } = start();
    const missing = new URL("/models/none/none.gguf?", location.href).href;
    const page = new URL("/src/model/description.ts?raw", location.href).href;
    for (const url of [missing, page]) {
      const error: unknown = await remote.open({ kind: "url", url }).catch((e: unknown) => e);
      // The development server answers a missing file with its page.
      expect(["malformed_file", "http_status", "no_range_requests"]).toContain(
        failureOf(error).reason,
      );
    }
    worker.terminate();
  });
});

async function fetchRange(url: string, offset: number, length: number): Promise<Uint8Array> {
  const response = await fetch(url, {
    headers: { Range: `bytes=${offset}-${offset + length - 1}` },
  });
  return new Uint8Array(await response.arrayBuffer());
}

/** Of a model's chunks on this machine's disk. */
async function storedBytes(contentId: string): Promise<number> {
  const models = await (await navigator.storage.getDirectory()).getDirectoryHandle("models");
  let bytes = 0;
  for await (const [name, file] of (await models.getDirectoryHandle(contentId)).entries())
    if (file instanceof FileSystemFileHandle && name !== "last-used")
      bytes += (await file.getFile()).size;
  return bytes;
}
