/** `vite build` when a source changed since the last build. */
import { createHash } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT, runModule, say, ScriptError } from "./run.mjs";

/** The sources of the built page. */
const SOURCES = [
  "index.html",
  "package-lock.json",
  "public",
  "server/headers.ts",
  "src",
  "vite.config.ts",
  "workers",
];

/** In `dist`, so that it is deleted with the build. */
const STAMP = join(ROOT, "dist", ".built-from");

export async function ensureBuilt() {
  const fingerprint = await fingerprintOf(SOURCES);
  if (fingerprint === (await readFile(STAMP, "utf8").catch(() => ""))) return;
  say("Building the page (vite build) …");
  const { status } = await runModule("vite/bin/vite.js", ["build", "--logLevel", "warn"]);
  if (status !== 0) {
    throw new ScriptError("The page could not be built, see above");
  }
  await writeFile(STAMP, fingerprint);
}

/** Changes with any file's name, size or time. */
async function fingerprintOf(/** @type {readonly string[]} */ paths) {
  const hash = createHash("sha256");
  for (const path of paths) await addPath(hash, path);
  return hash.digest("hex");
}

async function addPath(/** @type {import("node:crypto").Hash} */ hash, /** @type {string} */ path) {
  const facts = await stat(join(ROOT, path)).catch(() => null);
  if (facts === null) return;
  if (facts.isDirectory()) {
    for (const name of (await readdir(join(ROOT, path))).sort())
      await addPath(hash, `${path}/${name}`);
  } else {
    hash.update(`${path} ${facts.size} ${facts.mtimeMs}\n`);
  }
}
