/** The files that the documents for newcomers name exist. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

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
