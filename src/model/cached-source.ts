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

/** A source that knows the leaves of what it read, or whose bytes need no check. */
export type LeafSource = ByteSource & { readonly leaves?: ReadonlyMap<number, Leaf> };

export class CachedSource implements ByteSource {
  readonly fileBytes: number;
  readonly label: string;
  readonly #source: LeafSource;
  readonly #onNotice: (notice: ModelNotice) => void;
  #store: ChunkStore | null;
  readonly #fetching = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();

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
    const stored = await this.#readRange(offsetBytes, lengthBytes, parts);
    if (stored !== null) return stored;
    const result = new Uint8Array(lengthBytes);
    const isCopied = await Promise.all(parts.map((part) => this.#copyKnown(part, result)));
    const missing = parts.filter((_, i) => !isCopied[i]);
    await Promise.all(
      missing.map(async (part) => {
        // Another read may have fetched it meanwhile.
        if (await this.#copyKnown(part, result)) return;
        const { index, from, to, at } = part;
        const chunk = await this.#chunk(index, offsetBytes + lengthBytes);
        result.set(chunk.subarray(from, to), at);
      }),
    );
    return result;
  }

  /** In another thread, once what is being fetched has been stored; null if a part is missing. */
  async #readRange(offsetBytes: number, lengthBytes: number, parts: readonly ChunkPart[]) {
    if (this.#store?.readRange === undefined) return null;
    await Promise.allSettled(parts.flatMap(({ index }) => this.#fetching.get(index) ?? []));
    if (!parts.every(({ index }) => this.isStored(index))) return null;
    return this.#store.readRange(offsetBytes, lengthBytes);
  }

  /** Stores what is missing of a range. Rejects as `read` does. */
  async fetch(offsetBytes: number, lengthBytes: number): Promise<void> {
    checkRange(this, offsetBytes, lengthBytes);
    const missing = chunksOf(offsetBytes, lengthBytes).filter((index) => !this.isStored(index));
    await Promise.all(missing.map((index) => this.#chunk(index, offsetBytes + lengthBytes)));
  }

  /** False if the chunk is neither being fetched nor stored completely. */
  async #copyKnown({ index, from, to, at }: ChunkPart, result: Uint8Array): Promise<boolean> {
    const running = this.#fetching.get(index);
    if (running !== undefined) {
      result.set((await running).subarray(from, to), at);
      return true;
    }
    if (this.#store?.present.has(index) !== true) return false;
    const stored = await this.#store.read(index, from, to);
    if (stored === null) this.#store?.present.delete(index);
    else result.set(stored, at);
    return stored !== null;
  }

  /** A chunk that is not stored; `wantedEnd` is the end of the caller's read. */
  #chunk(index: number, wantedEnd: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#fetching.get(index) ?? this.#fetchRun(index, wantedEnd);
  }

  /** Fetches chunk `first` and the missing chunks after it up to `wantedEnd`; returns chunk `first`. */
  async #fetchRun(first: number, wantedEnd: number): Promise<Uint8Array<ArrayBuffer>> {
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
    const run = this.#source.read(start, Math.min(end * CHUNK_BYTES, this.fileBytes) - start);
    const chunks = Array.from({ length: end - first }, (_, i) => {
      const chunk = run.then((bytes) => bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES));
      chunk.catch(() => undefined); // callers that await `run` or the chunk get the error
      this.#fetching.set(first + i, chunk);
      return chunk;
    });
    try {
      await Promise.all(chunks.map(async (chunk, i) => this.#keep(first + i, await chunk)));
      return (await run).subarray(0, CHUNK_BYTES);
    } finally {
      for (let index = first; index < end; index++) this.#fetching.delete(index);
    }
  }

  async #keep(index: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.isStored(index)) return; // by the thread that fetched it
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
