/**
 * A byte source with a chunk store: bytes are fetched once, stored, and read from the store.
 *
 * Fetches are rounded to chunks. Adjacent missing chunks are fetched in one request,
 * and two reads of the same chunk share its fetch. If the disk is full, one notice
 * reports it and reading continues at the source, without storing.
 */
import type { ModelNotice } from "../shared/index.ts";
import { type ByteSource, checkRange } from "./byte-source.ts";
import { CHUNK_BYTES, type ChunkMap, chunkParts, chunksOf, type Leaf } from "./chunks.ts";
import { type ChunkStore, storageFailure } from "./model-cache.ts";
import { ModelError } from "./model-error.ts";
import type { SharedSource } from "./shared-source.ts";

/** Limits one request, so that progress shows and an interruption loses little. */
const MAX_RUN_CHUNKS = 8;

type CheckedSource = Pick<SharedSource, "fileBytes" | "label" | "leaves" | "read" | "fetch">;

export class CachedSource implements ByteSource {
  readonly fileBytes: number;
  readonly label: string;
  readonly #source: CheckedSource;
  readonly #onNotice: (notice: ModelNotice) => void;
  #store: ChunkStore | null;
  readonly #fetching = new Map<number, Promise<void>>();

  /** Without a store, all reads are the source's. */
  constructor(
    source: CheckedSource,
    store: ChunkStore | null,
    onNotice: (notice: ModelNotice) => void,
  ) {
    this.fileBytes = source.fileBytes;
    this.label = source.label;
    this.#source = source;
    this.#store = store;
    this.#onNotice = onNotice;
  }

  /** Whether bytes that are read are still stored. */
  get isStoring(): boolean {
    return this.#store !== null;
  }

  isStored(index: number): boolean {
    return this.#store?.present.has(index) ?? false;
  }

  /** These chunks are read again, since their bytes may be wrong. */
  forget(chunks: ReadonlySet<number>): void {
    for (const index of chunks) this.#store?.present.delete(index);
  }

  /** The stored chunks that other members can have, and all leaves that need no trust in another member. */
  async chunkMap(): Promise<ChunkMap> {
    const stored = new Map<number, Leaf>();
    for (const index of this.#store?.present ?? []) {
      const leaf = await this.#store?.leaf(index);
      if (leaf != null) stored.set(index, leaf);
    }
    return {
      held: new Set(stored.keys()),
      leaves: new Map([...stored, ...this.#source.leaves]),
    };
  }

  /** For another member: only bytes that are stored. Rejects with a `ModelError` otherwise. */
  async readHeld(offsetBytes: number, lengthBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(this, offsetBytes, lengthBytes);
    for (const index of chunksOf(offsetBytes, lengthBytes)) {
      if (this.#store?.present.has(index) !== true || (await this.#store.leaf(index)) === null)
        throw new ModelError({ reason: "range_not_held", file: this.label });
    }
    return this.read(offsetBytes, lengthBytes);
  }

  async read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(this, offsetBytes, lengthBytes);
    const indices = chunksOf(offsetBytes, lengthBytes);
    // Once more if a stored chunk turns out to be incomplete.
    for (let attempt = 0; attempt < 2; attempt++) {
      await this.fetch(offsetBytes, lengthBytes);
      if (!indices.every((index) => this.isStored(index))) break;
      const bytes = await this.#store?.readRange(offsetBytes, lengthBytes);
      if (bytes) return bytes;
      for (const index of indices)
        if ((await this.#store?.readRange(index * CHUNK_BYTES, 1)) === null)
          this.#store?.present.delete(index);
    }
    return this.#source.read(offsetBytes, lengthBytes);
  }

  /** Stores what is missing of a range. Rejects as `read` does. */
  async fetch(offsetBytes: number, lengthBytes: number): Promise<void> {
    if (this.#store === null) return;
    const endBytes = offsetBytes + lengthBytes;
    const missing = chunksOf(offsetBytes, lengthBytes).filter((index) => !this.isStored(index));
    await Promise.all(
      missing.map((index) => this.#fetching.get(index) ?? this.#fetchRun(index, endBytes)),
    );
  }

  /**
   * Fetches and stores chunk `first` and the missing chunks after it up to `wantedEnd`, the end of the
   * caller's read.
   */
  #fetchRun(first: number, wantedEnd: number): Promise<void> {
    let end = first + 1;
    while (
      end * CHUNK_BYTES < wantedEnd &&
      end - first < MAX_RUN_CHUNKS &&
      !this.isStored(end) &&
      !this.#fetching.has(end)
    ) {
      end++;
    }
    const start = first * CHUNK_BYTES;
    const length = Math.min(end * CHUNK_BYTES, this.fileBytes) - start;
    const run = this.#fetchAndStore(start, length).finally(() => {
      for (let index = first; index < end; index++) this.#fetching.delete(index);
    });
    for (let index = first; index < end; index++) this.#fetching.set(index, run);
    return run;
  }

  async #fetchAndStore(start: number, length: number): Promise<void> {
    const bytes = await this.#source.fetch(start, length);
    const store = this.#store;
    if (bytes === null || store === null) return; // another thread has stored it, or the disk is full
    const parts = chunkParts(start, length).filter(({ index }) => !this.isStored(index));
    const { leaves } = this.#source;
    const writes = parts.map(({ index, from, to, at }) =>
      store.write(index, bytes.subarray(at, at + to - from), leaves.get(index) ?? null),
    );
    try {
      await Promise.all(writes);
    } catch (error) {
      if (this.#store === null) return; // another run has reported it
      this.#store = null;
      this.#onNotice({ notice: "not_stored", cause: storageFailure(error) });
    }
  }
}
