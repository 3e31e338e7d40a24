/** The files and the names in code that the documents for newcomers mention exist. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { ARROWS } from "../../tools/graph/arrows.mjs";

const ROOT = join(import.meta.dirname, "..", "..");
const PATH = /^(src|workers|server|scripts|tools|test|bench|docs|examples)\/[\w./-]*$/;

/** Paths in backticks, from the root, and the targets of links, from the document. */
function namedPaths(document: string): readonly string[] {
  const text = readFileSync(join(ROOT, document), "utf8").replace(/^```[\s\S]*?^```/gm, "");
  const quoted = [...text.matchAll(/`([^`\n]+)`/g)].map(([, path = ""]) => path);
  const linked = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, path = ""]) =>
    join(dirname(document), path),
  );
  // NAME and GROUP stand for what the reader chooses.
  return [...quoted.filter((path) => PATH.test(path)), ...linked].filter(
    (path) => !/NAME|GROUP|DATE/.test(path),
  );
}

test.each([
  ["docs/architecture.md", 30],
  ["CONTRIBUTING.md", 20],
  ["README.md", 5],
  ["SECURITY.md", 0],
  ["docs/performance.md", 3],
  ["docs/decisions/README.md", 10],
])("%s names only files that exist", (document, minPaths) => {
  const paths = namedPaths(document);
  expect(paths.length).toBeGreaterThanOrEqual(minPaths);
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test("constants and functions that the documents name are in the code", () => {
  const files = ["src", "server", "scripts", "tools", "test"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }),
  );
  const code = files
    .filter((entry) => entry.isFile() && /\.(ts|mjs|py)$/.test(entry.name))
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), "utf8"));
  const words = new Set(code.join("\n").match(/\w+/g));
  const named = ["docs/architecture.md", "CONTRIBUTING.md"].flatMap((document) =>
    // `LAYOUTS`, `layerTensors`
    [
      ...readFileSync(join(ROOT, document), "utf8").matchAll(
        /`([A-Z][A-Z0-9_]{4,}|[a-z]+[A-Z]\w*)`/g,
      ),
    ],
  );
  expect(named.length).toBeGreaterThan(15);
  expect(named.map(([, name]) => name!).filter((name) => !words.has(name))).toEqual([]);
});

test("the table of modules in docs/architecture.md is the table of arrows", () => {
  const text = readFileSync(join(ROOT, "docs/architecture.md"), "utf8");
  const rows = [...text.matchAll(/^\| `src\/(\w+)`\s*\|.*\|(.*)\|$/gm)].map(
    ([, name, cell = ""]) => {
      const [imports = "", types = ""] = cell.trim().split(/;?\s*types of /);
      const listed = (part: string) =>
        part
          .split(", ")
          .filter((module) => module !== "")
          .sort();
      return [name, { imports: listed(imports), types: listed(types) }];
    },
  );
  const arrows = Object.entries(ARROWS).map(([name, { imports, types = [] }]) => [
    name,
    // The page's workers are listed in a row of their own.
    { imports: imports.filter((module) => module !== "workers").sort(), types: [...types].sort() },
  ]);
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(arrows));
});
