import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { moduleOf, refusal } from "../../tools/graph/arrows.mjs";
import {
  arrowsOf,
  cyclesOf,
  dependents,
  forbiddenImports,
  importGraph,
  importsOf,
  readSources,
  withoutEntryPoints,
} from "../../tools/graph/import-graph.mjs";

const ROOT = join(import.meta.dirname, "..", "..");

describe("the imports of a file", () => {
  const sources = new Map(
    ["src/a/one.ts", "src/a/two.ts", "src/b/index.ts", "src/a/x.wgsl"].map((f) => [f, ""]),
  );
  const targets = (text: string) =>
    importsOf("src/a/one.ts", text, sources).map(({ to, typesOnly }) => [to, typesOnly]);

  test.each([
    ['import { two } from "./two.ts";', "src/a/two.ts", false],
    ['import type { Two } from "./two.ts";', "src/a/two.ts", true],
    ['import { type Two, type Three } from "./two.ts";', "src/a/two.ts", true],
    ['import { type Two, three } from "./two.ts";', "src/a/two.ts", false],
    ['import {\n  type Two,\n  three,\n} from "./two.ts";', "src/a/two.ts", false],
    ['export * from "../b/index.ts";', "src/b/index.ts", false],
    ['export type { B } from "../b/index.ts";', "src/b/index.ts", true],
    ['import "./two.ts";', "src/a/two.ts", false],
    ['import shader from "./x.wgsl?raw";', "src/a/x.wgsl", false],
    ['const two = await import("./two.ts");', "src/a/two.ts", false],
    ['type Two = import("./two.ts").Two;', "src/a/two.ts", true],
    ['new Worker(new URL("./two.ts", import.meta.url));', "src/a/two.ts", false],
  ])("%s", (text, file, typesOnly) => {
    expect(targets(text)).toEqual([[file, typesOnly]]);
  });

  test("packages and files that do not exist are left out", () => {
    expect(targets('import { z } from "zod";\nimport { gone } from "./gone.ts";')).toEqual([]);
  });
});

test("a module is a directory of src, a file of src, or a top-level directory", () => {
  expect(["src/mesh/frames.ts", "src/main.ts", "test/mesh/frames.test.ts"].map(moduleOf)).toEqual([
    "mesh",
    "main",
    "test",
  ]);
});

test("arrows count imports, and those of types", () => {
  const edge = (from: string, to: string, typesOnly = false) => ({ from, to, typesOnly });
  const graph = [
    edge("src/mesh/a.ts", "src/shared/a.ts"),
    edge("src/mesh/b.ts", "src/shared/a.ts", true),
    edge("src/mesh/a.ts", "src/mesh/b.ts"),
  ];
  expect(arrowsOf(graph)).toEqual([{ from: "mesh", to: "shared", imports: 2, types: 1 }]);
});

test("an arrow that the table does not have is refused; for some only types are allowed", () => {
  expect(refusal("mesh", "shared", false)).toBeNull();
  expect(refusal("mesh", "engine", true)).not.toBeNull();
  expect(refusal("words", "placement", true)).toBeNull();
  expect(refusal("words", "placement", false)).not.toBeNull();
});

test("an import that bypasses an entry point is refused, except in tests", () => {
  const deep = (from: string) => [{ from, to: "src/shared/ids.ts", typesOnly: true }];
  expect(forbiddenImports(deep("src/mesh/frames.ts"))).toHaveLength(1);
  expect(forbiddenImports(deep("tools/room/room-api.ts"))).toHaveLength(1);
  expect(forbiddenImports(deep("test/mesh/frames.test.ts"))).toEqual([]);
  expect(forbiddenImports(deep("src/shared/apply.ts"))).toEqual([]);
});

test("a cycle is found through type-only imports", () => {
  const edges = ["ab", "bc", "ca", "cd"].map((pair) => ({ from: pair[0]!, to: pair[1]! }));
  expect(cyclesOf(edges)).toEqual([["a", "b", "c"]]);
  expect(cyclesOf(edges.slice(1))).toEqual([]);
});

test("dependents are all that import a file, directly or not", () => {
  const edges = ["ab", "bc", "dc"].map((pair) => ({
    from: pair[0]!,
    to: pair[1]!,
    typesOnly: false,
  }));
  expect([...dependents(edges, ["b"])].sort()).toEqual(["a", "b"]);
  expect([...dependents(edges, ["c"])].sort()).toEqual(["a", "b", "c", "d"]);
});

test("imports by name lead through an entry point to the files that declare the names", () => {
  const sources = new Map([
    [
      "src/a/index.ts",
      'export { one } from "./one.ts";\nexport { type Two, three as four } from "./two.ts";',
    ],
    ["src/a/one.ts", ""],
    ["src/a/two.ts", ""],
    ["src/c/index.ts", 'export * from "./three.ts";'],
    ["src/c/three.ts", "export const five = 5;"],
    ["src/b/starred.ts", 'import { five } from "../c/index.ts";'],
    ["src/b/by-name.ts", 'import { type Two } from "../a/index.ts";'],
    ["src/b/renamed.ts", 'import { four } from "../a/index.ts";'],
    ["src/b/all.ts", 'import * as a from "../a/index.ts";'],
  ]);
  const targets = (file: string) =>
    withoutEntryPoints(importGraph(sources), sources)
      .filter(({ from }) => from === file)
      .map(({ to }) => to);
  expect(targets("src/b/by-name.ts")).toEqual(["src/a/two.ts"]);
  expect(targets("src/b/renamed.ts")).toEqual(["src/a/two.ts"]);
  expect(targets("src/b/starred.ts")).toEqual(["src/c/three.ts"]);
  expect(targets("src/b/all.ts")).toEqual(["src/a/index.ts"]);
});

describe("this repository", () => {
  const sources = readSources(ROOT);
  const graph = importGraph(sources);

  test("has more than a thousand imports, so that the patterns still match", () => {
    expect(graph.length).toBeGreaterThan(1000);
  });

  test("has no import that the table of arrows does not allow", () => {
    expect(forbiddenImports(graph)).toEqual([]);
  });

  test("has no cycle, type-only imports included", () => {
    expect(cyclesOf(graph)).toEqual([]);
  });

  test("the probe's worker, which runs before anything else, does not load zod", () => {
    const values = withoutEntryPoints(graph, sources).filter(({ typesOnly }) => !typesOnly);
    const reached = ["workers/probe.worker.ts"];
    for (const file of reached)
      for (const { from, to } of values)
        if (from === file && !reached.includes(to)) reached.push(to);
    expect(reached).toContain("src/shared/median.ts");
    expect(reached.filter((file) => sources.get(file)?.includes('from "zod"'))).toEqual([]);
  });
});
