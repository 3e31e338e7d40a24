/**
 * Several threads that fetch, hash, store, and read chunks, because one thread does so at 7 to 9 ns per
 * byte. Each lane does the work of this thread's own source and store; the bytes are transferred. If a
 * lane's thread fails, this thread does the work.
 */
import { failureOf, type ModelNotice, ThreadPool } from "../shared/index.ts";
import { type Leaf, leavesIn } from "./chunks.ts";
import type { ChunkStore, ModelCache } from "./model-cache.ts";
import { reopenUrl, type RemoteFile } from "./url-source.ts";

/** A range of whole chunks. */
export type HashedRange = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly leaves: readonly Leaf[];
};

/** A model's folder, as `ModelCache.store` takes it. */
export type StoredFile = {
  readonly folder: string;
  readonly name: string;
  readonly fileBytes: number;
};

/** What a lane's thread offers (`LaneService`), through its client. Rejects with a `FailureError`. */
export type Lane = {
  fetch(
    remote: RemoteFile,
    offsetBytes: number,
    lengthBytes: number,
    onNotice: (notice: ModelNotice) => void,
  ): Promise<HashedRange>;
  write(
    file: StoredFile,
    index: number,
    bytes: Uint8Array<ArrayBuffer>,
    leaf: Leaf,
  ): Promise<boolean>;
  read(file: StoredFile, index: number, from: number, to: number): Promise<Uint8Array | null>;
};

type Storage = Pick<ModelCache, "store">;

/** One lane's side. */
export class LaneService implements Lane {
  readonly #cache: Promise<Storage | null>;
  readonly #stores = new Map<string, Promise<ChunkStore>>();

  constructor(cache: Promise<Storage | null>) {
    this.#cache = cache;
  }

  async fetch(...[remote, offsetBytes, lengthBytes, onNotice]: Parameters<Lane["fetch"]>) {
    const bytes = await reopenUrl(remote, { onNotice }).read(offsetBytes, lengthBytes);
    return { bytes, leaves: await leavesIn(bytes) };
  }

  async write(...[file, index, bytes, leaf]: Parameters<Lane["write"]>): Promise<boolean> {
    const store = await this.#store(file);
    await store.write(index, bytes, leaf);
    return store.present.has(index);
  }

  async read(...[file, index, from, to]: Parameters<Lane["read"]>): Promise<Uint8Array | null> {
    return (await this.#store(file)).read(index, from, to);
  }

  #store(file: StoredFile): Promise<ChunkStore> {
    let store = this.#stores.get(file.folder);
    if (store === undefined) {
      store = this.#openStore(file);
      this.#stores.set(file.folder, store);
    }
    return store;
  }

  async #openStore({ folder, name, fileBytes }: StoredFile): Promise<ChunkStore> {
    const cache = await this.#cache;
    if (cache === null) throw new Error("a lane is asked to store, and there is no storage");
    return cache.store(folder, name, fileBytes);
  }
}

export class Lanes {
  readonly #pool: ThreadPool<Lane>;
  readonly #own = new LaneService(Promise.resolve(null));

  /** At most `count` lanes; `start` begins one when all others are busy. */
  constructor(count: number, start: () => Lane) {
    this.#pool = new ThreadPool(count, start);
  }

  get isEmpty(): boolean {
    return this.#pool.isEmpty;
  }

  /** Rejects as the source does. */
  async fetch(...range: Parameters<Lane["fetch"]>): Promise<HashedRange> {
    try {
      return await this.#pool.run((lane) => lane.fetch(...range));
    } catch (error) {
      if (failureOf(error).reason !== "unexpected") throw error;
      return this.#own.fetch(...range); // the lane has failed, not the source
    }
  }

  /** The same store, whose bytes go through lanes. */
  store(own: ChunkStore, file: StoredFile): ChunkStore {
    return {
      present: own.present,
      leaf: (index) => own.leaf(index),
      read: async (index, from, to) => {
        const read = this.#pool.run((lane) => lane.read(file, index, from, to));
        return (await read.catch(() => null)) ?? own.read(index, from, to);
      },
      write: async (index, bytes, leaf) => {
        if (leaf === null) return own.write(index, bytes, leaf);
        const written = this.#pool.run((lane) => lane.write(file, index, bytes, leaf));
        if (await written.catch(() => false)) own.present.add(index);
        else await own.write(index, bytes, leaf);
      },
    };
  }
}
