/**
 * `npm run check [-- --all]`: types, lint, format, and node tests, in parallel.
 *
 * After a check that passed, the next one takes unchanged files from caches and runs the node
 * tests that the changes can affect; `--all` runs everything.
 */
import { parseArgs } from "node:util";
import {
  affectedTests,
  changedPaths,
  lastChecked,
  noteChecked,
  takeSnapshot,
} from "../tools/commands/changes.mjs";
import { format, inSequence, lint, types, vitest } from "../tools/commands/checks.mjs";
import { ensureDependencies } from "../tools/commands/dependencies.mjs";
import { summarize } from "../tools/commands/report.mjs";
import { ROOT, runScript, say } from "../tools/commands/run.mjs";
import { importGraph, readSources } from "../tools/graph/import-graph.mjs";

/** On two cores. */
const COLD_BOUND_SECONDS = 60;
const SMALL_CHANGE_BOUND_SECONDS = 20;

/** With more changed files than these, a check counts as a cold one. */
const SMALL_CHANGE_FILES = 10;

await runScript(async () => {
  const { values } = parseArgs({ options: { all: { type: "boolean", default: false } } });
  await ensureDependencies();
  const started = performance.now();
  const snapshot = takeSnapshot();
  const before = values.all ? null : lastChecked();
  const changed = before === null ? null : changedPaths(before, snapshot);
  const files = changed === null ? null : nodeTests(changed);
  if (changed !== null) {
    say(`${changed.length} files changed since the last check that passed; ${counted(files)}`);
  }
  const cache = { cache: !values.all };
  const results = await Promise.all([
    inSequence(
      () => lint(cache),
      () => format(cache),
    ),
    inSequence(types, () => vitest("node", { files: files ?? [], quiet: true })),
  ]);
  const isSmall = files !== null && (changed?.length ?? 0) <= SMALL_CHANGE_FILES;
  summarize(results.flat(), {
    command: "check",
    started,
    boundSeconds: isSmall ? SMALL_CHANGE_BOUND_SECONDS : COLD_BOUND_SECONDS,
  });
  if (process.exitCode === 0) noteChecked(snapshot);
});

function nodeTests(/** @type {readonly string[]} */ changed) {
  const sources = readSources(ROOT);
  return affectedTests(changed, sources, importGraph(sources));
}

function counted(/** @type {string[] | null} */ files) {
  return files === null
    ? "all node tests run"
    : `they can affect ${files.length} files of node tests`;
}
