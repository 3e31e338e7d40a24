/**
 * Which tests run when: in `npm run check`, before a merge (`npm test`), the remaining ones
 * (`npm run test:full -- --remaining`), or all (the default) but the faults in real browsers, which take
 * a quarter of an hour (`npm run test:full -- --chaos`). `check` runs no browser.
 */
const TEST_SETS = ["check", "merge", "remaining", "full", "chaos"] as const;
export type TestSet = (typeof TEST_SETS)[number];
export type BrowserProject = "chromium" | "firefox" | "e2e";

const BROWSER_TESTS = "test/**/*.browser.test.ts";

const ALL: Readonly<Record<BrowserProject, readonly string[]>> = {
  // The page asserts nothing that depends on the browser.
  chromium: [BROWSER_TESTS, "test/**/*.page.test.ts"],
  firefox: [BROWSER_TESTS],
  e2e: ["test/**/*.e2e.ts"],
};

/**
 * What a merge does not wait for: tests that are long by their name, and in Firefox what the
 * kernels' tests already show there. The attention kernels compile for more than a minute in Firefox.
 */
const NOT_BEFORE_MERGE: Readonly<Record<BrowserProject, readonly string[]>> = {
  chromium: ["test/**/*.full.browser.test.ts"],
  firefox: [
    "test/**/*.full.browser.test.ts",
    "test/engine/**/*.browser.test.ts",
    "test/tuner/**/*.browser.test.ts",
    "test/kernels/attention.browser.test.ts",
  ],
  e2e: ["test/**/*.full.e2e.ts", "test/library/**/*.e2e.ts"],
};

const CHAOS = "test/**/*.chaos.ts";

/** Node tests of thousands of random cases, of every adapter, or of processes: seconds each. `npm test` runs them. */
export const NOT_IN_CHECK: readonly string[] = [
  "test/engine/adapter-limits.test.ts",
  "test/fuzz/**",
  "test/model/hostile-gguf.test.ts",
  "test/model/lanes.test.ts",
  "test/placement/properties.test.ts",
  "test/placement/solve.test.ts",
  "test/scripts/default-model.test.ts",
  "test/server/fuzz.test.ts",
  "test/simulation/**",
  "test/telemetry/fit-forecast.test.ts",
  "test/ui/markdown-stream.test.ts",
];

/** The set that the command chose; tests that are run by hand are not limited. */
export function chosenTestSet(): TestSet {
  const set = process.env["TABMESH_TEST_SET"] ?? "full";
  const known = TEST_SETS.find((name) => name === set);
  if (known === undefined)
    throw new Error(`TABMESH_TEST_SET is ${set}; expected ${TEST_SETS.join(", ")}`);
  return known;
}

export function filesOf(
  project: BrowserProject,
  set: TestSet,
): { include: string[]; exclude: string[] } {
  const [all, later] = [[...ALL[project]], [...NOT_BEFORE_MERGE[project]]];
  if (set === "chaos") return { include: project === "e2e" ? [CHAOS] : [], exclude: [] };
  if (set === "merge" || set === "check") return { include: all, exclude: later };
  return { include: set === "remaining" ? later : all, exclude: [] };
}
