/**
 * Models on this machine's disk: the origin private file system, with a folder per
 * content address and a file per chunk.
 *
 *   models/<contentId>/last-used   milliseconds since 1970, in decimal
 *   models/<contentId>/<index>     chunk `index`, then its leaf (`chunks.ts`)
 *
 * A chunk whose file is too short was interrupted and does not count, so a download
 * resumes after a reload. A chunk without a leaf came from another member and was not
 * compared with the source: it counts until the tab closes. Tabs may share the folder:
 * all of them write the same bytes.
 *
 * Over 250 lines: the browsers' ways to read and write a file belong with the format.
 */
import { detailOf, type ModelFailure } from "../shared/index.ts";
import { chunkLength, chunkParts, type Leaf, LEAF_BYTES } from "./chunks.ts";
import { ModelError } from "./model-error.ts";

/** Where one model's chunks are kept. */
export type ChunkStore = {
  /** Chunks that exist, complete or not. */
  readonly present: Set<number>;
  /** Bytes of the file that lie in chunks of this store; null if one is missing or incomplete. */
  readRange(offsetBytes: number, lengthBytes: number): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Null if the chunk is missing or incomplete, or if nobody compared it with the source. */
  leaf(index: number): Promise<Leaf | null>;
  /** Not stored if another tab uses the chunk now. Rejects with a `ModelError` if the disk is full. */
  write(index: number, bytes: Uint8Array<ArrayBuffer>, leaf: Leaf | null): Promise<void>;
};

export class ModelCache {
  readonly #models: FileSystemDirectoryHandle;
  /** Models that this tab reads are never evicted. */
  readonly #inUse = new Set<string>();

  private constructor(models: FileSystemDirectoryHandle) {
    this.#models = models;
  }

  /** Null if the browser has no such storage (private windows, some policies). */
  static async open(folder = "models"): Promise<ModelCache | null> {
    try {
      const root = await navigator.storage.getDirectory();
      return new ModelCache(await root.getDirectoryHandle(folder, { create: true }));
    } catch {
      return null; // the caller reads without a cache
    }
  }

  /** Opens or creates a model's folder and records the time of use. */
  async store(contentId: string, fileBytes: number): Promise<ChunkStore> {
    this.#inUse.add(contentId);
    const folder = await this.#models.getDirectoryHandle(contentId, { create: true });
    const now = new TextEncoder().encode(String(Date.now()));
    await this.#writeOrEvict(folder, contentId, LAST_USED, [now]);
    const store = await this.chunkStore(contentId, fileBytes);
    for await (const key of folder.keys()) if (key !== LAST_USED) store.present.add(Number(key));
    return store;
  }

  /** The chunks of a model whose folder another thread has opened; `present` has those written here. */
  async chunkStore(contentId: string, fileBytes: number): Promise<ChunkStore> {
    const folder = await this.#models.getDirectoryHandle(contentId, { create: true });
    const present = new Set<number>();
    /** What this tab knows of the chunks that it wrote or read; null for one without a leaf. */
    const leaves = new Map<number, Leaf | null>();
    const isWhole = (index: number, size: number) => {
      const length = chunkLength(fileBytes, index);
      return size === length + LEAF_BYTES || (size === length && leaves.get(index) === null);
    };
    const complete = async (index: number): Promise<Blob | null> => {
      const file = await readFile(folder, String(index));
      return file !== null && isWhole(index, file.size) ? file : null;
    };
    /** Fills `bytes` from byte `from` of the chunk on; false if it is missing or incomplete. */
    const readChunk = async (index: number, from: number, bytes: Uint8Array) => {
      const isRead = await readShared(folder, String(index), from, bytes, (size) =>
        isWhole(index, size),
      );
      if (isRead !== "unsupported") return isRead;
      const part = (await complete(index))?.slice(from, from + bytes.length);
      // Another tab may have begun to write it again.
      const read = await part?.arrayBuffer().catch(() => undefined);
      if (read === undefined) return false;
      bytes.set(new Uint8Array(read));
      return true;
    };
    return {
      present,
      async readRange(offsetBytes, lengthBytes) {
        const bytes = new Uint8Array(lengthBytes);
        const reads = chunkParts(offsetBytes, lengthBytes).map(({ index, from, to, at }) =>
          readChunk(index, from, bytes.subarray(at, at + to - from)),
        );
        return (await Promise.all(reads)).every(Boolean) ? bytes : null;
      },
      async leaf(index) {
        const known = leaves.get(index);
        if (known != null) return known;
        const file = await complete(index);
        if (file === null || file.size === chunkLength(fileBytes, index)) return null;
        const tail = await file.slice(chunkLength(fileBytes, index)).arrayBuffer();
        const leaf = new Uint8Array(tail);
        leaves.set(index, leaf);
        return leaf;
      },
      write: async (index, bytes, leaf) => {
        const parts = leaf === null ? [bytes] : [bytes, leaf];
        present.delete(index);
        if (!(await this.#writeOrEvict(folder, contentId, String(index), parts))) return;
        leaves.set(index, leaf);
        present.add(index);
      },
    };
  }

  /** The content ids of stored models, most recently used first. */
  async list(): Promise<string[]> {
    const models: { readonly contentId: string; readonly lastUsedMs: number }[] = [];
    for await (const [contentId, handle] of this.#models.entries()) {
      if (handle.kind !== "directory") continue;
      const lastUsed = await readFile(handle, LAST_USED);
      models.push({ contentId, lastUsedMs: Number((await lastUsed?.text()) ?? 0) });
    }
    return models.sort((a, b) => b.lastUsedMs - a.lastUsedMs).map(({ contentId }) => contentId);
  }

  /** Does nothing if it does not exist. */
  async remove(contentId: string): Promise<void> {
    try {
      await this.#models.removeEntry(contentId, { recursive: true });
    } catch (error) {
      if (isMissing(error)) return;
      const failure = { reason: "stored_model_locked", detail: detailOf(error) } as const;
      throw new ModelError(failure, { cause: error });
    }
  }

  async clear(): Promise<void> {
    for (const contentId of await this.list()) await this.remove(contentId);
  }

  /** Writes. If the disk is full, removes the least recently used models until it fits. */
  async #writeOrEvict(
    folder: FileSystemDirectoryHandle,
    contentId: string,
    name: string,
    parts: readonly Uint8Array<ArrayBuffer>[],
  ): Promise<boolean> {
    for (;;) {
      try {
        return await writeFile(folder, name, parts);
      } catch (error) {
        if (!isQuota(error) || !(await this.#evictOldest(contentId))) {
          throw await writeError(error, parts[0]?.length ?? 0);
        }
      }
    }
  }

  async #evictOldest(keep: string): Promise<boolean> {
    const models = await this.list();
    const oldest = models.findLast((id) => id !== keep && !this.#inUse.has(id));
    if (oldest === undefined) return false;
    await this.remove(oldest);
    return true;
  }
}

/** A folder without it counts as unused, so that it is evicted first. */
const LAST_USED = "last-used";

async function readFile(folder: FileSystemDirectoryHandle, name: string): Promise<File | null> {
  try {
    return await (await folder.getFileHandle(name)).getFile();
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Workers of Chromium use a file without its main process. Others have no handle that several tabs may open. */
let hasModes = true;

/**
 * Chromium 156 never settles `createSyncAccessHandle` if it collects the file's handle meanwhile, as it does
 * under a load's garbage: a load of 700 MB hung. These are referenced until then.
 */
const opening = new Set<SyncFileHandle>();

async function openSync(
  file: SyncFileHandle,
  mode: "read-only" | "readwrite",
): Promise<SyncHandle | "in_use" | "unsupported"> {
  if (!hasModes || file.createSyncAccessHandle === undefined) return "unsupported";
  opening.add(file);
  try {
    const handle = await file.createSyncAccessHandle({ mode });
    hasModes = handle.mode === mode;
    if (hasModes) return handle;
    handle.close();
    return "unsupported";
  } catch (error) {
    return isInUse(error) ? "in_use" : "unsupported";
  } finally {
    opening.delete(file);
  }
}

/** Fills `bytes` from byte `from` of a file on; false if it is missing or `isWhole` denies its size. */
async function readShared(
  folder: FileSystemDirectoryHandle,
  name: string,
  from: number,
  bytes: Uint8Array,
  isWhole: (size: number) => boolean,
): Promise<boolean | "unsupported"> {
  if (!hasModes) return "unsupported";
  let handle: SyncHandle | null = null;
  try {
    const opened = await openSync(await folder.getFileHandle(name), "read-only");
    if (typeof opened === "string") return "unsupported";
    handle = opened;
    return isWhole(handle.getSize()) && handle.read(bytes, { at: from }) === bytes.length;
  } catch (error) {
    if (isMissing(error)) return false;
    return "unsupported";
  } finally {
    handle?.close();
  }
}

/**
 * Through a synchronous handle where readers have them too, because a writable copies through the browser's
 * main process: 2.3 instead of 5.2 ns per byte. False if another tab reads or writes the file now.
 */
async function writeFile(
  folder: FileSystemDirectoryHandle,
  name: string,
  parts: readonly Uint8Array<ArrayBuffer>[],
): Promise<boolean> {
  const file: SyncFileHandle = await folder.getFileHandle(name, { create: true });
  const handle = await openSync(file, "readwrite");
  if (handle === "in_use") return false;
  if (handle === "unsupported") {
    const writable = await file.createWritable();
    try {
      for (const part of parts) await writable.write(part);
      await writable.close();
    } catch (error) {
      await writable.abort().catch(() => undefined);
      throw error;
    }
    return true;
  }
  try {
    handle.truncate(0);
    let at = 0;
    for (const part of parts) at += handle.write(part, { at });
    return true;
  } finally {
    handle.close();
  }
}

type SyncHandle = {
  readonly mode?: string;
  getSize(): number;
  read(bytes: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  write(bytes: Uint8Array, options: { at: number }): number;
  close(): void;
};

type SyncFileHandle = FileSystemFileHandle & {
  createSyncAccessHandle?(options?: { mode: string }): Promise<SyncHandle>;
};

async function writeError(cause: unknown, wantedBytes: number): Promise<ModelError> {
  if (!isQuota(cause)) return new ModelError(storageFailure(cause), { cause });
  const { usage = 0 }: StorageEstimate = await navigator.storage.estimate();
  return new ModelError({ reason: "storage_full", usedBytes: usage, wantedBytes }, { cause });
}

/** Why a model cannot be stored. */
export function storageFailure(error: unknown): ModelFailure {
  if (error instanceof ModelError) return error.failure;
  return { reason: "storage_failed", detail: detailOf(error) };
}

function isQuota(error: unknown): boolean {
  return error instanceof Error && error.name === "QuotaExceededError";
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && error.name === "NoModificationAllowedError";
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && error.name === "NotFoundError";
}
