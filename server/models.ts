/**
 * The GGUF files in `models/`, with range requests, so that a tab reads only the
 * header and its own layers. Does not look into a file. Nothing else is served: no hidden
 * file, no other type, and no link to a file outside.
 */
import { readdir, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
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
  app.get("/models/*", async (context) => {
    const file = await modelFileAt(directory, context.req.path.slice("/models/".length));
    if (file === null) return context.notFound();
    const path = `/${file.split(sep).map(encodeURIComponent).join("/")}`;
    const options = { root: directory, index: false, cacheControl: false } as const;
    return sendFile(context, path, options, FILE_HEADERS);
  });
  return app;
}

/** Sorted by name; empty if there is no such directory. Subdirectories are served, but not listed. */
export async function listModels(directory: string): Promise<OfferedModel[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const files = names.filter(isModelName).sort();
  const models = files.map(async (file): Promise<OfferedModel | null> => {
    const path = await ownPath(directory, file);
    if (path === null) return null;
    return {
      name: file.replace(/\.gguf$/i, ""),
      url: `/models/${encodeURIComponent(file)}`,
      bytes: (await stat(path)).size,
    };
  });
  return (await Promise.all(models)).filter((model) => model !== null);
}

/** The file below `directory` that `encodedPath` names; null if it is not a model that may be served. */
async function modelFileAt(directory: string, encodedPath: string): Promise<string | null> {
  const segments = encodedPath.split("/").map(decodeOrNull);
  if (!segments.every((segment) => segment !== null && isPlainName(segment))) return null;
  const file = join(...(segments as string[]));
  return isModelName(file) && (await ownPath(directory, file)) !== null ? file : null;
}

/** The path of a GGUF file in `directory` after all links; null if there is none or it is elsewhere. */
async function ownPath(directory: string, file: string): Promise<string | null> {
  try {
    const path = await realpath(join(directory, file));
    const inside = relative(await realpath(directory), path);
    const isInside = !inside.startsWith("..") && !isAbsolute(inside);
    return isInside && isModelName(path) && (await stat(path)).isFile() ? path : null;
  } catch {
    return null; // Missing, unreadable, a cycle of links, or a name that is too long.
  }
}

function decodeOrNull(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Not hidden, not "..", and without a separator or a NUL that the decoding brought in. */
function isPlainName(name: string): boolean {
  return name !== "" && !name.startsWith(".") && !/[/\\\0]/.test(name);
}

function isModelName(name: string): boolean {
  return /\.gguf$/i.test(name) && !name.startsWith(".");
}
