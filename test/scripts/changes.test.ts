import { expect, test } from "vitest";
import {
  affectedFiles,
  changedPaths,
  lintedFilesOf,
  nodeTestsOf,
} from "../../tools/commands/changes.mjs";
import { importGraph } from "../../tools/graph/import-graph.mjs";

const sources = new Map([
  ["src/mesh/frames.ts", ""],
  ["src/mesh/link.ts", 'import { frame } from "./frames.ts";'],
  ["src/placement/solve.ts", ""],
  ["server/main.ts", ""],
  ["test/goldens/one.json", ""],
  ["test/mesh/link.test.ts", 'import { link } from "../../src/mesh/link.ts";'],
  ["test/mesh/link.browser.test.ts", 'import { link } from "../../src/mesh/link.ts";'],
  ["test/placement/solve.test.ts", 'import { solve } from "../../src/placement/solve.ts";'],
  ["test/server/start.test.ts", ""],
  ["test/tools/docs.test.ts", ""],
]);
const graph = importGraph(sources);
const affectedTests = (...changed: string[]) =>
  nodeTestsOf(affectedFiles(changed, sources, graph)!, sources.keys());
const ALWAYS = "test/tools/docs.test.ts";

test("a path is changed when it was added, removed, or has other content", () => {
  const before = { same: "1", other: "1", removed: "1" };
  expect(changedPaths(before, { same: "1", other: "2", added: "1" })).toEqual([
    "added",
    "other",
    "removed",
  ]);
});

test("a change affects the node tests that import the file, directly or not", () => {
  expect(affectedTests("src/placement/solve.ts")).toEqual([
    "test/placement/solve.test.ts",
    "test/server/start.test.ts",
    ALWAYS,
  ]);
  expect(affectedTests("test/mesh/link.test.ts")).toEqual(["test/mesh/link.test.ts", ALWAYS]);
});

test("a test that starts the server runs when the server changed", () => {
  expect(affectedTests("server/main.ts")).toContain("test/server/start.test.ts");
});

test("prose affects only the tests that always run", () => {
  expect(affectedTests("docs/glossary.md")).toEqual([ALWAYS]);
});

test.each(["package.json", "src/mesh/removed.ts", "test/goldens/one.json", "vitest.config.ts"])(
  "%s may affect everything",
  (path) => {
    expect(affectedFiles([path], sources, graph)).toBeNull();
  },
);

test("what imports a changed file is linted too, because its types may have changed", () => {
  expect(lintedFilesOf(affectedFiles(["src/mesh/frames.ts"], sources, graph)!).sort()).toEqual([
    "src/mesh/frames.ts",
    "src/mesh/link.ts",
    "test/mesh/link.browser.test.ts",
    "test/mesh/link.test.ts",
  ]);
});
