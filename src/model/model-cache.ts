/**
 * Models on this machine's disk: the origin private file system, with a folder per
 * content address and a file per chunk.
 *
 *   models/<contentId>/about.json   name, length, time of last use
 *   models/<contentId>/<index>      chunk `index`
 *
 * A chunk whose file is too short was interrupted and does not count, so a download
 * resumes after a reload. Tabs may share the folder: all of them write the same bytes.
 */
import { detailOf, type ModelFailure } from "../shared/index.ts";
import { z } from "zod";
import { ModelError } from "./model-error.ts";

export const CHUNK_BYTES = 1 << 20;

const About = z.object({ name: z.string(), fileBytes: z.number(), lastUsedMs: z.number() });
type About = z.infer<typeof About>;

export type CachedModel = About & { readonly contentId: string; readonly storedBytes: number };

/** Where one model's chunks are kept. */
export type ChunkStore = {
  /** Chunks that exist, complete or not. */
  readonly present: Set<number>;
  /** The chunk, or null if it is missing or not `lengthBytes` long. */
  read(index: number, lengthBytes: number): Promise<Blob | null>;
  /** Rejects with a `ModelError` if the disk is full. */
  write(index: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
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
  async store(contentId: string, name: string, fileBytes: number): Promise<ChunkStore> {
    this.#inUse.add(contentId);
    const folder = await this.#models.getDirectoryHandle(contentId, { create: true });
    const about: About = { name, fileBytes, lastUsedMs: Date.now() };
    const text = new TextEncoder().encode(JSON.stringify(about));
    await this.#writeOrEvict(folder, contentId, ABOUT, text);
    const present = new Set<number>();
    for await (const key of folder.keys()) if (key !== ABOUT) present.add(Number(key));
    return {
      present,
      async read(index, lengthBytes) {
        const file = await readFile(folder, String(index));
        return file?.size === lengthBytes ? file : null;
      },
      write: async (index, bytes) => {
        await this.#writeOrEvict(folder, contentId, String(index), bytes);
        present.add(index);
      },
    };
  }

  /** Most recently used first. */
  async list(): Promise<CachedModel[]> {
    const models: CachedModel[] = [];
    for await (const [contentId, handle] of this.#models.entries()) {
      if (handle.kind !== "directory") continue;
      models.push(await describe(contentId, handle));
    }
    return models.sort((a, b) => b.lastUsedMs - a.lastUsedMs);
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
    for (const { contentId } of await this.list()) await this.remove(contentId);
  }

  /** Writes. If the disk is full, removes the least recently used models until it fits. */
  async #writeOrEvict(
    folder: FileSystemDirectoryHandle,
    contentId: string,
    name: string,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    for (;;) {
      try {
        await writeFile(folder, name, bytes);
        return;
      } catch (error) {
        if (!isQuota(error) || !(await this.#evictOldest(contentId))) {
          throw await writeError(error, bytes.length);
        }
      }
    }
  }

  async #evictOldest(keep: string): Promise<boolean> {
    const models = await this.list();
    const oldest = models.findLast(
      ({ contentId }) => contentId !== keep && !this.#inUse.has(contentId),
    );
    if (oldest === undefined) return false;
    await this.remove(oldest.contentId);
    return true;
  }
}

const ABOUT = "about.json";

async function describe(
  contentId: string,
  folder: FileSystemDirectoryHandle,
): Promise<CachedModel> {
  let storedBytes = 0;
  for await (const key of folder.keys()) {
    if (key !== ABOUT) storedBytes += (await readFile(folder, key))?.size ?? 0;
  }
  return { contentId, storedBytes, ...(await readAbout(folder)) };
}

/** A folder without its description counts as unused, so that it is evicted first. */
async function readAbout(folder: FileSystemDirectoryHandle): Promise<About> {
  const file = await readFile(folder, ABOUT);
  try {
    return About.parse(JSON.parse((await file?.text()) ?? ""));
  } catch {
    return { name: "unknown", fileBytes: 0, lastUsedMs: 0 }; // the write was interrupted
  }
}

async function readFile(folder: FileSystemDirectoryHandle, name: string): Promise<File | null> {
  try {
    return await (await folder.getFileHandle(name)).getFile();
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Safari before 26 writes only through a synchronous handle, and only in workers. */
async function writeFile(
  folder: FileSystemDirectoryHandle,
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const file = await folder.getFileHandle(name, { create: true });
  if ("createWritable" in file) {
    const writable = await file.createWritable();
    try {
      await writable.write(bytes);
      await writable.close();
    } catch (error) {
      await writable.abort().catch(() => undefined);
      throw error;
    }
    return;
  }
  const handle = await (file as SyncFileHandle).createSyncAccessHandle();
  try {
    handle.truncate(0);
    handle.write(bytes, { at: 0 });
  } finally {
    handle.close();
  }
}

type SyncFileHandle = {
  createSyncAccessHandle(): Promise<{
    truncate(size: number): void;
    write(bytes: Uint8Array, options: { at: number }): number;
    close(): void;
  }>;
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

function isMissing(error: unknown): boolean {
  return error instanceof Error && error.name === "NotFoundError";
}
