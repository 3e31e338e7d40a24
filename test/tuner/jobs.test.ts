/** Which products are measured. */
import { expect, test } from "vitest";
import { tuneJobs } from "../../src/tuner/jobs.ts";

const WORK = {
  products: [
    { format: "Q4_0" as const, rows: 4096, columns: 4096 },
    { format: "Q4_0" as const, rows: 14_336, columns: 4096 },
  ],
  head: { format: "Q6_K" as const, rows: 128_256, columns: 4096 },
  weightBytes: 2 ** 30,
  activations: "int8" as const,
};
const named = (norms: "folded" | "separate") =>
  tuneJobs(WORK, norms).map(({ format, activations, rows }) => [format, activations, rows]);

test("the largest shape of each format, and a part of the head, which only GPUs round", () => {
  expect(named("folded")).toEqual([
    ["Q4_0", "float", 14_336],
    ["Q4_0", "int8", 14_336],
    ["Q6_K", "float", 8192],
  ]);
  // GPUs measure a part of the layers' rows too.
  expect(named("separate")).toEqual([
    ["Q4_0", "float", 8192],
    ["Q4_0", "int8", 8192],
    ["Q6_K", "float", 8192],
    ["Q6_K", "int8", 8192],
  ]);
});
