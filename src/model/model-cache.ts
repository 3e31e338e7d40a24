/**
 * Models on this machine's disk: the origin private file system, a folder for
 * each content address, a file for each chunk.
 *
 *   models/<contentId>/about.json   name, length, when it was last used
 *   models/<contentId>/<index>      chunk `index`, there once it is whole
 *
 * A chunk whose file is shorter than it must be was interrupted and does not
 * count, so a download that a reload cut off goes on where it stopped. Tabs may
 * share the folder: a chunk's bytes are the same whoever writes them.
 */
import { z } from "zod";
import { megabytes, ModelError } from "./model-error.ts";
import { errorMessage } from "../shared/index.ts";

export const CHUNK_BYTES = 1 << 20;

const About = z.object({ name: z.string(), fileBytes: z.number(), lastUsedMs: z.number() });
type About = z.infer<typeof About>;

export type CachedModel = About & { readonly contentId: string; readonly storedBytes: number };

/** Where one model's chunks are kept. */
export type ChunkStore = {
  /** Chunks that are there, whole or not. */
  readonly present: Set<number>;
  /** The chunk, or null when it is missing or not `lengthBytes` long. */
  read(index: number, lengthBytes: number): Promise<Blob | null>;
  /** Rejects with a `ModelError` of reason "storage" when the disk is full. */
  write(index: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
};

export class ModelCache {
  readonly #models: FileSystemDirectoryHandle;
  /** Models that this tab reads from: never evicted. */
  readonly #inUse = new Set<string>();

  private constructor(models: FileSystemDirectoryHandle) {
    this.#models = models;
  }

  /** Null where the browser has no such storage (private windows, some policies). */
  static async open(folder = "models"): Promise<ModelCache | null> {
    try {
      const root = await navigator.storage.getDirectory();
      return new ModelCache(await root.getDirectoryHandle(folder, { create: true }));
    } catch {
      return null; // the caller then reads without a cache
    }
  }

  /** Opens or begins a model's folder and marks it as used now. */
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

  /** Nothing happens when it is not there. */
  async remove(contentId: string): Promise<void> {
    try {
      await this.#models.removeEntry(contentId, { recursive: true });
    } catch (error) {
      if (isMissing(error)) return;
      throw new ModelError(
        "storage",
        `The stored model cannot be removed (${errorMessage(error)}). Close other tabs of this site and try again.`,
        { cause: error },
      );
    }
  }

  async clear(): Promise<void> {
    for (const { contentId } of await this.list()) await this.remove(contentId);
  }

  release(contentId: string): void {
    this.#inUse.delete(contentId);
  }

  /** Writes; when the disk is full, removes the models used longest ago until it fits. */
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
          throw await explainWriteError(error, bytes.length);
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

/** A folder whose description was lost counts as unused, so that it is evicted first. */
async function readAbout(folder: FileSystemDirectoryHandle): Promise<About> {
  const file = await readFile(folder, ABOUT);
  try {
    return About.parse(JSON.parse((await file?.text()) ?? ""));
  } catch {
    return { name: "unknown", fileBytes: 0, lastUsedMs: 0 }; // interrupted while it was written
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

async function explainWriteError(error: unknown, wantedBytes: number): Promise<ModelError> {
  if (!isQuota(error)) {
    return new ModelError(
      "storage",
      `The model cannot be stored on disk (${errorMessage(error)}).`,
      {
        cause: error,
      },
    );
  }
  const estimate: StorageEstimate = await navigator.storage.estimate();
  const { quota = 0, usage = 0 } = estimate;
  return new ModelError(
    "storage",
    `The disk space that the browser grants this site is full: ${megabytes(usage)} of ${megabytes(quota)} ` +
      `are used, and ${megabytes(wantedBytes)} more are needed. Free space on the disk or clear the stored models.`,
    { cause: error },
  );
}

function isQuota(error: unknown): boolean {
  return error instanceof Error && error.name === "QuotaExceededError";
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && error.name === "NotFoundError";
}
