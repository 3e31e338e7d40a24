/**
 * The checks that `npm run check`, `npm test`, and `npm run test:full` consist of.
 * A check that could not run counts as a failure.
 */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { countReport, slowestCases } from "./report.mjs";
import { ROOT, runModule, runModuleCaptured, say } from "./run.mjs";

/** @typedef {import("./checks.d.mts").Result} Result */

/** TypeScript's native compiler needs a fifth of the CPU time of the JavaScript one. */
export const types = () => tool("types", "typescript-7/bin/tsc", ["--noEmit"]);

/** The rules that read types, of all files or those named. */
export const typedLint = (/** @type {readonly string[]} */ files = ["."]) =>
  tool("lint by types", "oxlint/bin/oxlint", [
    "--type-aware",
    "--no-error-on-unmatched-pattern",
    ...files,
  ]);

/**
 * The other rules: imports and syntax. ESLint's own cache is not used: its rules depend on the imports
 * of other files, so that an unchanged file can have other results.
 */
export const lint = (/** @type {readonly string[]} */ files = ["."]) =>
  tool("lint", "eslint/bin/eslint.js", [
    "--no-warn-ignored",
    "--no-error-on-unmatched-pattern",
    ...files,
  ]);

export const format = () => tool("format", "oxfmt/bin/oxfmt", ["--list-different", "."]);

/** Runs the checks one after another. */
export async function inSequence(/** @type {readonly (() => Promise<Result>)[]} */ ...checks) {
  const results = [];
  for (const check of checks) results.push(await check());
  return results;
}

/** @returns {Promise<Result>} */
async function tool(
  /** @type {string} */ name,
  /** @type {string} */ module,
  /** @type {readonly string[]} */ words,
) {
  const started = performance.now();
  const { status, output } = await runModuleCaptured(module, words);
  const passed = status === 0;
  finished(name, passed, started, output);
  return { name, passed: passed ? 1 : 0, failed: passed ? 0 : 1, cases: [] };
}

/** One line per check, then what the check printed: checks run in parallel, so none prints while it runs. */
function finished(
  /** @type {string} */ name,
  /** @type {boolean} */ passed,
  /** @type {number} */ started,
  /** @type {string} */ output,
) {
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  say(`— ${name} ${passed ? "passed" : "failed"} after ${seconds} s`);
  if (output.trim() !== "") say(output.trimEnd());
}

/**
 * Runs one project of vitest.config.ts: `files` of it, or all. Prints as it runs, or with `quiet`
 * only when a test fails.
 *
 * @param {"node" | "chromium" | "firefox" | "e2e"} project
 * @param {{ files?: readonly string[], quiet?: boolean, set?: string }} [options]
 * @returns {Promise<Result>}
 */
export async function vitest(project, { files = [], quiet = false, set = "full" } = {}) {
  const name = `tests: ${project}`;
  const started = performance.now();
  const report = join(ROOT, "test-results", `${project}.json`);
  await rm(report, { force: true });
  const words = ["run", `--project=${project}`, ...files, "--passWithNoTests=false"];
  const shown = quiet ? ["--reporter=dot", "--silent=passed-only"] : ["--reporter=default"];
  const reporters = [...shown, "--reporter=json", `--outputFile.json=${report}`];
  // Vitest leaves a core free by default. Node tests take longer than the checks beside them.
  const workers = project === "node" ? ["--maxWorkers=100%"] : [];
  const env = { ...process.env, TABMESH_TEST_SET: set };
  if (!quiet) say(`\n— ${name}`);
  const run = quiet ? runModuleCaptured : runModule;
  const { status, output } = await run("vitest/vitest.mjs", [...words, ...reporters, ...workers], {
    env,
  });
  const text = await readFile(report, "utf8").catch(() => null);
  const parsed = text === null ? null : JSON.parse(text);
  const counts = parsed === null ? { passed: 0, failed: 1 } : countReport(parsed);
  // An error outside of any test fails the run without a failed test.
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  if (quiet) finished(name, counts.failed === 0, started, counts.failed === 0 ? "" : output);
  return { name, ...counts, cases: parsed === null ? [] : slowestCases(parsed, project, ROOT) };
}
