/** A source file has at most 250 lines, unless its header says why. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readSources } from "../../tools/graph/import-graph.mjs";

const MAX_LINES = 250;
const root = fileURLToPath(new URL("../..", import.meta.url));

test("files of the product have at most 250 lines, or a reason", () => {
  const files = [...readSources(root, ["src", "server", "workers"]).keys()];
  const long = files.filter((file) => {
    const text = readFileSync(`${root}/${file}`, "utf8");
    return text.split("\n").length - 1 > MAX_LINES && !text.includes("Over 250 lines:");
  });
  expect(long).toEqual([]);
});
