/**
 * Several threads that fetch, hash, store, and read chunks, because one thread does so at 7 to 9 ns per
 * byte. Each lane does the work of this thread's own source and store. What a lane has fetched and stored
 * stays there; other bytes are transferred. If a lane's thread fails, this thread does the work.
 */
import * as Comlink from "comlink";
import { failureOf, type ModelNotice, ThreadPool } from "../shared/index.ts";
import { chunkParts, type Leaf, leavesIn } from "./chunks.ts";
import type { ChunkStore, ModelCache } from "./model-cache.ts";
import { fillFromUrl, type RemoteFile } from "./url-source.ts";

/** A range of whole chunks; without bytes if a lane has stored all of them. */
export type HashedRange = {
  readonly bytes: Uint8Array<ArrayBuffer> | null;
  readonly leaves: readonly Leaf[];
};

/** A model's folder, as `ModelCache.chunkStore` takes it. */
export type StoredFile = {
  readonly folder: string;
  readonly fileBytes: number;
};

/** What a lane's thread offers, through its client. Rejects with a `FailureError`. */
export type Lane = Pick<LaneService, "fetch" | "read">;

/** One lane's side. */
export class LaneService {
  readonly #cache: Promise<Pick<ModelCache, "chunkStore"> | null>;
  readonly #stores = new Map<string, Promise<ChunkStore>>();
  /** For the next range: the pages of new memory cost as much as copying into them. */
  #spare = new ArrayBuffer(0);

  constructor(cache: Promise<Pick<ModelCache, "chunkStore"> | null>) {
    this.#cache = cache;
  }

  /** `stored` are the chunks that are now in `file`. */
  async fetch(
    remote: RemoteFile,
    offsetBytes: number,
    lengthBytes: number,
    onNotice: (notice: ModelNotice) => void,
    file: StoredFile | null,
  ): Promise<HashedRange & { readonly stored: readonly number[] }> {
    const bytes = this.#allocate(lengthBytes);
    await fillFromUrl(remote, { onNotice }, bytes, offsetBytes);
    const leaves = await leavesIn(bytes);
    const stored = file === null ? [] : await this.#keep(file, offsetBytes, bytes, leaves);
    if (stored.length < leaves.length)
      return Comlink.transfer({ bytes, leaves, stored }, [bytes.buffer]);
    this.#spare = bytes.buffer;
    return { bytes: null, leaves, stored };
  }

  #allocate(lengthBytes: number): Uint8Array<ArrayBuffer> {
    const spare = this.#spare;
    if (spare.byteLength < lengthBytes) return new Uint8Array(lengthBytes);
    this.#spare = new ArrayBuffer(0);
    return new Uint8Array(spare, 0, lengthBytes);
  }

  /** What cannot be stored here, the caller tries itself, and reports. */
  async #keep(
    file: StoredFile,
    offsetBytes: number,
    bytes: Uint8Array<ArrayBuffer>,
    leaves: readonly Leaf[],
  ): Promise<number[]> {
    try {
      const store = await this.#store(file);
      const parts = chunkParts(offsetBytes, bytes.length);
      await Promise.all(
        parts.map(({ index, from, to, at }, i) =>
          store.write(index, bytes.subarray(at, at + to - from), leaves[i]!),
        ),
      );
      return parts.flatMap(({ index }) => (store.present.has(index) ? [index] : []));
    } catch {
      return [];
    }
  }

  /** Of stored chunks; null if one is missing or incomplete. */
  async read(
    file: StoredFile,
    offsetBytes: number,
    lengthBytes: number,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    const bytes = await (await this.#store(file)).readRange(offsetBytes, lengthBytes);
    return bytes && Comlink.transfer(bytes, [bytes.buffer]);
  }

  #store({ folder, fileBytes }: StoredFile): Promise<ChunkStore> {
    const known = this.#stores.get(folder);
    if (known !== undefined) return known;
    const store = this.#cache.then((cache) => {
      if (cache === null) throw new Error("a lane is asked to store, and there is no storage");
      return cache.chunkStore(folder, fileBytes);
    });
    this.#stores.set(folder, store);
    return store;
  }
}

export class Lanes {
  readonly #pool: ThreadPool<Lane>;
  readonly #own = new LaneService(Promise.resolve(null));

  /** At most `count` lanes; `start` begins one when all others are busy. */
  constructor(count: number, start: () => Lane) {
    this.#pool = new ThreadPool(count, start);
  }

  /** What a lane can store in `file`, it does, and marks it in `store`. Rejects as the source does. */
  async fetch(
    remote: RemoteFile,
    offsetBytes: number,
    lengthBytes: number,
    onNotice: (notice: ModelNotice) => void,
    kept: { readonly file: StoredFile; readonly store: ChunkStore } | null,
  ): Promise<HashedRange> {
    const range = [remote, offsetBytes, lengthBytes, onNotice] as const;
    if (this.#pool.isEmpty) return this.#own.fetch(...range, null);
    try {
      const fetched = await this.#pool.run((lane) => lane.fetch(...range, kept?.file ?? null));
      for (const index of fetched.stored) kept?.store.present.add(index);
      return fetched;
    } catch (error) {
      if (failureOf(error).reason !== "unexpected") throw error;
      return this.#own.fetch(...range, null); // the lane has failed, not the source
    }
  }

  /** A range of `store`, whose folder is `file`. Lanes do not know chunks that were not compared with the source. */
  async read(
    store: ChunkStore,
    file: StoredFile,
    offsetBytes: number,
    lengthBytes: number,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    const bytes = this.#pool.isEmpty
      ? null
      : await this.#pool.run((lane) => lane.read(file, offsetBytes, lengthBytes)).catch(() => null);
    return bytes ?? store.readRange(offsetBytes, lengthBytes);
  }
}
