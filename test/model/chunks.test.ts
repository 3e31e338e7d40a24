/** Runs of chunks, which are asked for at once. Leaves and maps: shared-source.test.ts. */
import { expect, test } from "vitest";
import { runLength } from "../../src/model/chunks.ts";

test.each([
  ["ends at a gap", [4, 5, 7], 8, 2],
  ["is no longer than asked for", [4, 5, 6], 2, 2],
  ["ends with the chunks", [4, 5], 8, 2],
  // A norm, a matrix in front of which it lies, and one right behind the norm.
  ["has no chunk that only its number would continue", [10, 14, 15, 13], 8, 1],
])("a run %s", (_, chunks, most, length) => {
  expect(runLength(chunks, most)).toBe(length);
});
