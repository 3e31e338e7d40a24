/**
 * The checks that `npm run check` and `npm test` are made of, and their sum.
 * A check that could not run counts as a failure: nothing passes by its absence.
 */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { ROOT, runModule, say } from "./run.mjs";

/** @typedef {{ name: string, passed: number, failed: number }} Result */

/** Types, lint and format: one pass or failure each. */
export async function staticChecks() {
  return [
    await tool("types", "typescript/bin/tsc", ["--noEmit"]),
    await tool("lint", "eslint/bin/eslint.js", ["."]),
    await tool("format", "prettier/bin/prettier.cjs", ["--check", "--log-level", "warn", "."]),
  ];
}

/** @returns {Promise<Result>} */
async function tool(
  /** @type {string} */ name,
  /** @type {string} */ module,
  /** @type {string[]} */ words,
) {
  say(`\n— ${name}`);
  const status = await runModule(module, words);
  return { name, passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1 };
}

/**
 * Runs one project of vitest.config.ts.
 *
 * @param {"node" | "chromium" | "firefox" | "e2e"} project
 * @returns {Promise<Result>}
 */
export async function vitest(project) {
  say(`\n— tests: ${project}`);
  const report = join(ROOT, "test-results", `${project}.json`);
  await rm(report, { force: true });
  const status = await runModule("vitest/vitest.mjs", [
    "run",
    `--project=${project}`,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ]);
  const text = await readFile(report, "utf8").catch(() => null);
  const counts = text === null ? { passed: 0, failed: 1 } : countReport(JSON.parse(text));
  // An error outside of any test fails the run without a failed test.
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  return { name: `tests: ${project}`, ...counts };
}

/**
 * Counts Vitest's JSON report. A skipped test counts as failed, and so does a
 * file that failed before its first test.
 *
 * @param {import("./checks.d.mts").VitestReport} report
 */
export function countReport(report) {
  let passed = 0;
  let failed = 0;
  for (const file of report.testResults) {
    const good = file.assertionResults.filter(({ status }) => status === "passed").length;
    const bad = file.assertionResults.length - good;
    passed += good;
    failed += bad === 0 && file.status === "failed" ? 1 : bad;
  }
  // A project without a single test is a configuration that lost them.
  return passed + failed === 0 ? { passed, failed: 1 } : { passed, failed };
}

/** Prints each check and, alone on the last line, the sum; sets the exit status. */
export function summarise(/** @type {readonly Result[]} */ results) {
  const sum = (/** @type {"passed" | "failed"} */ key) =>
    results.reduce((total, result) => total + result[key], 0);
  console.log("");
  for (const { name, passed, failed } of results) {
    console.log(`${name.padEnd(20)} ${passed} passed, ${failed} failed`);
  }
  console.log(`\n${sum("passed")} passed, ${sum("failed")} failed`);
  process.exitCode = sum("failed") === 0 ? 0 : 1;
}
