/**
 * A byte source with a chunk store: bytes are fetched once.
 *
 * Reads are rounded to chunks. Adjacent missing chunks are fetched in one request,
 * and two reads of the same chunk share its fetch. Chunks are read and written in parallel. If the disk is full, one notice
 * reports it and reading continues without storing.
 */
import type { ModelNotice } from "../shared/index.ts";
import { type ByteSource, checkRange } from "./byte-source.ts";
import {
  CHUNK_BYTES,
  type ChunkMap,
  type ChunkPart,
  chunkParts,
  chunksOf,
  type Leaf,
  sha256,
} from "./chunks.ts";
import { type ChunkStore, storageFailure } from "./model-cache.ts";
import { ModelError } from "./model-error.ts";

/** Limits one request, so that progress shows and an interruption loses little. */
const MAX_RUN_CHUNKS = 8;

/**
 * A source that knows the leaves of what it read, or whose bytes need no check. `fetch` is as
 * `SharedSource.fetch`.
 */
export type LeafSource = ByteSource & {
  readonly leaves?: ReadonlyMap<number, Leaf>;
  fetch?(offsetBytes: number, lengthBytes: number): Promise<Uint8Array<ArrayBuffer> | null>;
};

export class CachedSource implements ByteSource {
  readonly fileBytes: number;
  readonly label: string;
  readonly #source: LeafSource;
  readonly #onNotice: (notice: ModelNotice) => void;
  #store: ChunkStore | null;
  /** Null for chunks that another thread stores. */
  readonly #fetching = new Map<number, Promise<Uint8Array<ArrayBuffer> | null>>();

  constructor(source: LeafSource, store: ChunkStore, onNotice: (notice: ModelNotice) => void) {
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

  /** The stored chunks that other members can have, with their leaves. */
  async held(): Promise<ChunkMap> {
    const leaves = new Map<number, Leaf>();
    for (const index of this.#store?.present ?? []) {
      const leaf = await this.#store?.leaf(index);
      if (leaf != null) leaves.set(index, leaf);
    }
    return { held: new Set(leaves.keys()), leaves };
  }

  /** For another member: only bytes that are stored. Rejects with a `ModelError` otherwise. */
  async readHeld(offsetBytes: number, lengthBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(this, offsetBytes, lengthBytes);
    const first = Math.floor(offsetBytes / CHUNK_BYTES);
    for (let index = first; index * CHUNK_BYTES < offsetBytes + lengthBytes; index++) {
      if (this.#store?.present.has(index) !== true || (await this.#store.leaf(index)) === null)
        throw new ModelError({ reason: "range_not_held", file: this.label });
    }
    return this.read(offsetBytes, lengthBytes);
  }

  async read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(this, offsetBytes, lengthBytes);
    if (this.#store === null) return this.#source.read(offsetBytes, lengthBytes);
    const parts = chunkParts(offsetBytes, lengthBytes);
    const stored = await this.#readRange(offsetBytes, lengthBytes);
    if (stored !== null) return stored;
    const result = new Uint8Array(lengthBytes);
    const isCopied = await Promise.all(parts.map((part) => this.#copyKnown(part, result)));
    const missing = parts.filter((_, i) => !isCopied[i]);
    await Promise.all(
      missing.map(async (part) => {
        // Another read may have fetched it meanwhile.
        if (await this.#copyKnown(part, result)) return;
        const { index, from, to, at } = part;
        const running = this.#fetching.get(index);
        const known = running && (await running);
        const chunk = known ?? (await this.#fetchRun(index, offsetBytes + lengthBytes, false));
        result.set(chunk!.subarray(from, to), at);
      }),
    );
    return result;
  }

  /** Where other threads store and read: this one never has the bytes. Null if a part is missing. */
  async #readRange(offsetBytes: number, lengthBytes: number) {
    if (this.#store?.readRange === undefined) return null;
    await this.fetch(offsetBytes, lengthBytes);
    if (!chunksOf(offsetBytes, lengthBytes).every((index) => this.isStored(index))) return null;
    return this.#store.readRange(offsetBytes, lengthBytes);
  }

  /** Stores what is missing of a range. Rejects as `read` does. */
  async fetch(offsetBytes: number, lengthBytes: number): Promise<void> {
    checkRange(this, offsetBytes, lengthBytes);
    const endBytes = offsetBytes + lengthBytes;
    const missing = chunksOf(offsetBytes, lengthBytes).filter((index) => !this.isStored(index));
    await Promise.all(
      missing.map((index) => this.#fetching.get(index) ?? this.#fetchRun(index, endBytes, true)),
    );
  }

  /** False if the chunk is neither being fetched nor stored completely. */
  async #copyKnown({ index, from, to, at }: ChunkPart, result: Uint8Array): Promise<boolean> {
    const running = this.#fetching.get(index);
    const chunk = running && (await running);
    if (chunk) {
      result.set(chunk.subarray(from, to), at);
      return true;
    }
    if (this.#store?.present.has(index) !== true) return false;
    const isRead = await this.#store.read(index, from, result.subarray(at, at + to - from));
    if (!isRead) this.#store?.present.delete(index);
    return isRead;
  }

  /**
   * Fetches and stores chunk `first` and the missing chunks after it up to `wantedEnd`, the end of the
   * caller's read; returns chunk `first`. Null only with `mayStay`, if other threads have stored all.
   */
  async #fetchRun(first: number, wantedEnd: number, mayStay: boolean) {
    let end = first + 1;
    while (
      end * CHUNK_BYTES < wantedEnd &&
      end - first < MAX_RUN_CHUNKS &&
      this.#store?.present.has(end) !== true &&
      !this.#fetching.has(end)
    ) {
      end++;
    }
    const start = first * CHUNK_BYTES;
    const range = [start, Math.min(end * CHUNK_BYTES, this.fileBytes) - start] as const;
    const stays = mayStay && this.#source.fetch !== undefined;
    const run = stays ? this.#source.fetch!(...range) : this.#source.read(...range);
    const chunks = Array.from({ length: end - first }, (_, i) => {
      const at = i * CHUNK_BYTES;
      const chunk = run.then((bytes) => bytes && bytes.subarray(at, at + CHUNK_BYTES));
      chunk.catch(() => undefined); // callers that await `run` or the chunk get the error
      this.#fetching.set(first + i, chunk);
      return chunk;
    });
    try {
      await Promise.all(chunks.map(async (chunk, i) => this.#keep(first + i, await chunk)));
      return await chunks[0]!;
    } finally {
      for (let index = first; index < end; index++) this.#fetching.delete(index);
    }
  }

  async #keep(index: number, bytes: Uint8Array<ArrayBuffer> | null): Promise<void> {
    if (bytes === null || this.isStored(index)) return; // by the thread that fetched it
    const { leaves } = this.#source;
    const leaf = leaves === undefined ? await sha256(bytes) : (leaves.get(index) ?? null);
    try {
      await this.#store?.write(index, bytes, leaf);
    } catch (error) {
      if (this.#store === null) return; // another chunk has reported it
      this.#store = null;
      this.#onNotice({ notice: "not_stored", cause: storageFailure(error) });
    }
  }
}
