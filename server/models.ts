/**
 * The GGUF files in `models/`, lent with range requests, so that a tab reads
 * the header and its own layers only. Does not look into a file.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import express, { type Router } from "express";

export type LentModel = {
  /** The file's name without ".gguf". */
  readonly name: string;
  /** Relative to the server. */
  readonly url: string;
  readonly bytes: number;
};

/** What a range reader in another origin needs to see. */
const EXPOSED_HEADERS = "Accept-Ranges, Content-Length, Content-Range, ETag";

/** Routes for mounting at `/models`: the listing at its root, the files beside it. */
export function modelFiles(directory: string): Router {
  const router = express.Router();
  router.use((_request, response, next) => {
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Access-Control-Allow-Headers", "Range, If-Range");
    response.setHeader("Access-Control-Expose-Headers", EXPOSED_HEADERS);
    response.setHeader("Cross-Origin-Resource-Policy", "cross-origin");
    next();
  });
  router.options("/*", (_request, response) => {
    response.status(204).end();
  });
  router.get("/", (_request, response, next) => {
    listModels(directory).then((models) => response.json(models), next);
  });
  router.get("/:file", (request, response, next) => {
    if (!isModelFile(request.params.file)) return next("router");
    // A model that is replaced under the same name has another ETag; ask each time.
    response.setHeader("Cache-Control", "no-cache");
    next();
  });
  router.use(express.static(directory, { index: false, dotfiles: "ignore", extensions: false }));
  return router;
}

/** Sorted by name; empty when there is no such directory. */
export async function listModels(directory: string): Promise<LentModel[]> {
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
