/** What a cached source fetches, stores, and reports. */
import { expect, test } from "vitest";
import type { ByteSource } from "../../src/model/byte-source.ts";
import { CachedSource } from "../../src/model/cached-source.ts";
import { CHUNK_BYTES } from "../../src/model/chunks.ts";
import type { ChunkStore } from "../../src/model/model-cache.ts";
import { ModelError } from "../../src/model/model-error.ts";
import type { ModelNotice } from "../../src/shared/model-failure.ts";
import { memoryStore } from "../../tools/gguf/memory-store.ts";
import { neverNotice, recorded, sameBytes, sharedOf } from "./recorded-source.ts";

const file = Uint8Array.from(
  { length: 3 * CHUNK_BYTES + 1000 },
  (_, i) => (i * 13 + (i >> 12)) & 0xff,
);

test("fetches what is missing, once, in whole chunks", async () => {
  const origin = recorded(file);
  const store = memoryStore();
  const source = new CachedSource(sharedOf(origin), store, neverNotice);
  const [start, length] = [CHUNK_BYTES - 10, 20];
  expect(await source.read(start, length)).toEqual(file.slice(start, start + length));
  expect(await source.read(start + 3, 5)).toEqual(file.slice(start + 3, start + 8));
  expect(origin.reads).toEqual([[0, 2 * CHUNK_BYTES]]);
  expect(sameBytes(await source.read(0, file.length), file)).toBe(true);
  expect(origin.reads.slice(1)).toEqual([[2 * CHUNK_BYTES, CHUNK_BYTES + 1000]]);
});

test("shares a fetch between reads at the same time", async () => {
  const origin = recorded(file);
  const store = memoryStore();
  const source = new CachedSource(sharedOf(origin), store, neverNotice);
  const results = await Promise.all([source.read(5, 10), source.read(7, 10), source.read(9, 10)]);
  expect(results.map((bytes) => bytes[0])).toEqual([file[5], file[7], file[9]]);
  expect(origin.reads).toHaveLength(1);
});

test("rejects with its source's error and can be read again", async () => {
  const origin = recorded(file);
  let broken = true;
  const flaky: ByteSource = {
    ...origin,
    read: (offset, length) =>
      broken
        ? Promise.reject(new ModelError({ reason: "file_changed", url: "" }))
        : origin.read(offset, length),
  };
  const store = memoryStore();
  const source = new CachedSource(sharedOf(flaky), store, neverNotice);
  await expect(source.read(0, 10)).rejects.toMatchObject({
    failure: { reason: "file_changed" },
  });
  broken = false;
  expect(await source.read(0, 10)).toEqual(file.slice(0, 10));
});

test("reports once that it cannot store, and continues reading", async () => {
  const cause = { reason: "storage_failed", detail: "read-only" } as const;
  const store: ChunkStore = {
    present: new Set(),
    readRange: () => Promise.resolve(null),
    leaf: () => Promise.resolve(null),
    write: () => Promise.reject(new ModelError(cause)),
  };
  const notices: ModelNotice[] = [];
  const source = new CachedSource(sharedOf(recorded(file)), store, (notice) =>
    notices.push(notice),
  );
  expect(sameBytes(await source.read(0, file.length), file)).toBe(true);
  expect(await source.read(5, 10)).toEqual(file.slice(5, 15));
  expect(notices).toEqual([{ notice: "not_stored", cause }]);
  expect(source.isStoring).toBe(false);
});
