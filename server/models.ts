/**
 * The GGUF files in `models/`, with range requests, so that a tab reads only the
 * header and its own layers. Does not look into a file.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { sendFile } from "./files.ts";

export type OfferedModel = {
  /** The file's name without ".gguf". */
  readonly name: string;
  /** Relative to the server. */
  readonly url: string;
  readonly bytes: number;
};

const FILE_HEADERS = {
  // A file that is replaced under the same name has another ETag, so clients ask each time.
  "Cache-Control": "no-cache",
};

/** The list at `/models/`, and the files. */
export function modelFiles(directory: string): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const list = async () => Response.json(await listModels(directory));
  app.get("/models", list);
  app.get("/models/", list);
  app.get("/models/:file", (context) => {
    const file = context.req.param("file");
    if (!isModelFile(file)) return context.notFound();
    const path = `/${encodeURIComponent(file)}`;
    const options = { root: directory, index: false, cacheControl: false } as const;
    return sendFile(context, path, options, FILE_HEADERS);
  });
  return app;
}

/** Sorted by name; empty if there is no such directory. */
export async function listModels(directory: string): Promise<OfferedModel[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const files = names.filter(isModelFile).sort();
  return Promise.all(
    files.map(async (file) => ({
      name: file.replace(/\.gguf$/i, ""),
      url: `/models/${encodeURIComponent(file)}`,
      bytes: (await stat(join(directory, file))).size,
    })),
  );
}

function isModelFile(name: string): boolean {
  return /\.gguf$/i.test(name) && !name.startsWith(".");
}
