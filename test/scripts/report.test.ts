import { describe, expect, test } from "vitest";
import type { Result } from "../../tools/commands/checks.d.mts";
import { countReport, slowestCases, summaryLines } from "../../tools/commands/report.mjs";

const file = (status: string, ...tests: string[]) => ({
  name: "/root/test/a.test.ts",
  status,
  assertionResults: tests.map((one, index) => ({
    status: one,
    fullName: `case ${index}`,
    duration: 100 * (index + 1),
  })),
});

test.each([
  ["all passed", [file("passed", "passed", "passed")], { passed: 2, failed: 0 }],
  ["one failed", [file("failed", "passed", "failed")], { passed: 1, failed: 1 }],
  ["a skipped test is a failure", [file("passed", "passed", "skipped")], { passed: 1, failed: 1 }],
  [
    "a file that did not load is a failure",
    [file("failed"), file("passed", "passed")],
    { passed: 1, failed: 1 },
  ],
  ["no tests at all is a failure", [], { passed: 0, failed: 1 }],
])("%s", (_name, testResults, expected) => {
  expect(countReport({ testResults })).toEqual(expected);
});

test("the slowest case is first, with its file", () => {
  const report = { testResults: [file("passed", "passed", "passed")] };
  expect(slowestCases(report, "node", "/root")).toEqual([
    { seconds: 0.2, where: "node: test/a.test.ts", name: "case 1" },
    { seconds: 0.1, where: "node: test/a.test.ts", name: "case 0" },
  ]);
});

describe("the summary", () => {
  const cases = Array.from({ length: 15 }, (_, seconds) => ({ seconds, where: "f", name: "c" }));
  const results: readonly Result[] = [
    { name: "lint", passed: 1, failed: 0, cases: [] },
    { name: "tests: node", passed: 20, failed: 2, cases },
    { name: "tests: e2e", passed: 15, failed: 0, cases },
  ];
  const lines = summaryLines(results, { command: "check", seconds: 43.2, boundSeconds: 60 });

  test("ends with the time, its bound, and the sum", () => {
    expect(lines.slice(-2)).toEqual(["check took 43 s of 60 s", "36 passed, 2 failed"]);
  });

  test("lists twenty cases of all checks, the slowest first", () => {
    const listed = lines.filter((line) => line.endsWith("f > c"));
    expect(listed).toHaveLength(20);
    expect(listed[0]).toContain("14.0 s");
    expect(listed[19]).toContain("5.0 s");
  });
});
