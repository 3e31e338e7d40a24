import { expect, test } from "vitest";
import { countReport } from "../../tools/commands/checks.mjs";

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((one) => ({ status: one })),
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
