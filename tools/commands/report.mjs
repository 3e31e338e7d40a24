/** What a run of checks prints at its end: slowest cases, counts, time, and the sum. */

/** @typedef {import("./checks.d.mts").Result} Result */
/** @typedef {import("./checks.d.mts").SlowCase} SlowCase */

const SLOWEST = 20;

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

/**
 * The slowest cases of a report, slowest first.
 *
 * @param {import("./checks.d.mts").VitestReport} report
 * @param {string} project
 * @param {string} root
 * @returns {SlowCase[]}
 */
export function slowestCases(report, project, root) {
  return report.testResults
    .flatMap(({ name, assertionResults }) =>
      assertionResults.map(({ fullName, duration }) => ({
        seconds: (duration ?? 0) / 1000,
        where: `${project}: ${name.replace(`${root}/`, "")}`,
        name: fullName,
      })),
    )
    .sort((left, right) => right.seconds - left.seconds)
    .slice(0, SLOWEST);
}

/**
 * The lines at the end of a run. The last one is the sum, alone.
 *
 * @param {readonly Result[]} results
 * @param {{ command: string, seconds: number, boundSeconds: number }} time
 */
export function summaryLines(results, { command, seconds, boundSeconds }) {
  const sum = (/** @type {"passed" | "failed"} */ key) =>
    results.reduce((total, result) => total + result[key], 0);
  const slowest = results
    .flatMap(({ cases }) => cases)
    .sort((left, right) => right.seconds - left.seconds)
    .slice(0, SLOWEST);
  return [
    ...(slowest.length === 0 ? [] : ["", "The slowest cases:"]),
    ...slowest.map(
      ({ seconds: took, where, name }) => `${took.toFixed(1).padStart(6)} s  ${where} > ${name}`,
    ),
    "",
    ...results.map(
      ({ name, passed, failed }) => `${name.padEnd(20)} ${passed} passed, ${failed} failed`,
    ),
    "",
    `${command} took ${seconds.toFixed(0)} s of ${boundSeconds} s`,
    `${sum("passed")} passed, ${sum("failed")} failed`,
  ];
}

/** Prints the summary and sets the exit status. */
export function summarize(
  /** @type {readonly Result[]} */ results,
  /** @type {{ command: string, started: number, boundSeconds: number }} */ time,
) {
  const seconds = (performance.now() - time.started) / 1000;
  for (const line of summaryLines(results, { ...time, seconds })) console.log(line);
  process.exitCode = results.some(({ failed }) => failed > 0) ? 1 : 0;
}
