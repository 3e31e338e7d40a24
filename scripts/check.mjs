/**
 * `npm run check [-- --all]`: types, lint, format, and node tests, in parallel.
 *
 * After a check that passed, the next one lints the files and runs the node tests that the changes
 * can affect, by the import graph; `--all` checks everything.
 */
import { parseArgs } from "node:util";
import {
  affectedFiles,
  changedPaths,
  lastChecked,
  lintedFilesOf,
  nodeTestsOf,
  noteChecked,
  takeSnapshot,
} from "../tools/commands/changes.mjs";
import { format, inSequence, lint, typedLint, types, vitest } from "../tools/commands/checks.mjs";
import { ensureDependencies } from "../tools/commands/dependencies.mjs";
import { summarize } from "../tools/commands/report.mjs";
import { ROOT, runScript, say } from "../tools/commands/run.mjs";
import { importGraph, readSources, withoutEntryPoints } from "../tools/graph/import-graph.mjs";

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
  const { lintedFiles, nodeTests } = affectedBy(changed);
  const results = await Promise.all([
    inSequence(
      types,
      () => lint(lintedFiles),
      () => typedLint(lintedFiles),
      format,
    ),
    vitest("node", { files: nodeTests ?? [], quiet: true, set: "check" }),
  ]);
  const isSmall = nodeTests !== undefined && (changed?.length ?? 0) <= SMALL_CHANGE_FILES;
  summarize(results.flat(), {
    command: "check",
    started,
    boundSeconds: isSmall ? SMALL_CHANGE_BOUND_SECONDS : COLD_BOUND_SECONDS,
  });
  if (process.exitCode === 0) noteChecked(snapshot);
});

/** What has to be checked; undefined stands for everything. */
function affectedBy(/** @type {readonly string[] | null} */ changed) {
  if (changed === null) return {};
  const sources = readSources(ROOT);
  const graph = withoutEntryPoints(importGraph(sources), sources);
  const affected = affectedFiles(changed, sources, graph);
  const count = `${changed.length} files changed since the last check that passed`;
  if (affected === null) {
    say(`${count}; they may affect everything`);
    return {};
  }
  const lintedFiles = lintedFilesOf(affected);
  const nodeTests = nodeTestsOf(affected, sources.keys());
  say(`${count}: ${lintedFiles.length} files to lint, ${nodeTests.length} files of node tests`);
  // ESLint without a name would lint everything.
  return { lintedFiles: lintedFiles.length > 0 ? lintedFiles : ["eslint.config.js"], nodeTests };
}
