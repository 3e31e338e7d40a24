/**
 * What changed since the last `npm run check` that passed, and which node tests that can affect.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { dependents } from "../graph/import-graph.mjs";
import { ROOT } from "./run.mjs";

/** Under node_modules, so that an install forgets it. */
const STAMP = join(ROOT, "node_modules", ".cache", "checked.json");

/** These tests read the source tree, and those of the server start it, which imports do not show. */
const ALWAYS = /^test\/tools\//;
const SERVER_PROCESS = { changed: /^(server|src)\//, tests: /^test\/server\// };

/** @typedef {Record<string, string>} Snapshot content hashes by path */

/** @returns {Snapshot} of all files that git tracks or would track */
export function takeSnapshot() {
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  /** @type {Snapshot} */ const snapshot = {};
  for (const path of new Set(listed.split("\0"))) {
    const full = join(ROOT, path);
    if (path === "" || !existsSync(full) || !statSync(full).isFile()) continue;
    snapshot[path] = createHash("sha1").update(readFileSync(full)).digest("base64");
  }
  return snapshot;
}

/** @returns {Snapshot | null} of the last check that passed */
export function lastChecked() {
  return existsSync(STAMP) ? JSON.parse(readFileSync(STAMP, "utf8")) : null;
}

export function noteChecked(/** @type {Snapshot} */ snapshot) {
  mkdirSync(dirname(STAMP), { recursive: true });
  writeFileSync(STAMP, JSON.stringify(snapshot));
}

/** The paths that were added, changed, or removed. */
export function changedPaths(/** @type {Snapshot} */ before, /** @type {Snapshot} */ now) {
  const paths = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...paths].filter((path) => before[path] !== now[path]).sort();
}

/**
 * The source files that the changes can affect: themselves and what imports them, directly or
 * not. Null when that may be all of them: a removed file, configuration, and data are not in the
 * import graph.
 *
 * @param {readonly string[]} changed
 * @param {ReadonlyMap<string, string>} sources
 * @param {readonly import("../graph/import-graph.d.mts").Import[]} graph
 * @returns {Set<string> | null}
 */
export function affectedFiles(changed, sources, graph) {
  const code = changed.filter((path) => !path.endsWith(".md"));
  const isKnown = (/** @type {string} */ path) => sources.has(path) && !path.endsWith(".json");
  return code.every(isKnown) ? dependents(graph, code) : null;
}

/** The node tests among `sources` that can notice changes in `affected`. */
export function nodeTestsOf(
  /** @type {ReadonlySet<string>} */ affected,
  /** @type {Iterable<string>} */ sources,
) {
  const startsServer = [...affected].some((path) => SERVER_PROCESS.changed.test(path));
  return [...sources].filter(
    (path) =>
      /^test\/.*\.test\.ts$/.test(path) &&
      !/\.(browser|page)\.test\.ts$/.test(path) &&
      (affected.has(path) ||
        ALWAYS.test(path) ||
        (startsServer && SERVER_PROCESS.tests.test(path))),
  );
}

/** The files that ESLint checks among `affected`. */
export function lintedFilesOf(/** @type {ReadonlySet<string>} */ affected) {
  return [...affected].filter((path) => /\.(ts|mts|mjs|js)$/.test(path));
}
