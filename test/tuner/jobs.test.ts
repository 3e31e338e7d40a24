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
const named = (norms: "folded" | "separate", workload: "decode" | "batch" | "prefill") =>
  tuneJobs(WORK, norms)
    .filter((job) => job.workload === workload)
    .map(({ format, activations, rows }) => [format, activations, rows]);

test("a part of the largest shape of each format, and of the head, which only GPUs round", () => {
  const layers = [
    ["Q4_0", "float", 8192],
    ["Q4_0", "int8", 8192],
  ];
  for (const workload of ["decode", "batch"] as const) {
    expect(named("folded", workload)).toEqual([...layers, ["Q6_K", "float", 8192]]);
    expect(named("separate", workload)).toEqual([
      ...layers,
      ["Q6_K", "float", 8192],
      ["Q6_K", "int8", 8192],
    ]);
  }
  for (const norms of ["folded", "separate"] as const) {
    expect(named(norms, "prefill"), "a head has no prompts").toEqual(layers);
  }
});

test("shards of few layers are not measured", () => {
  expect(tuneJobs({ ...WORK, weightBytes: 2 ** 20 }, "folded")).toEqual([]);
});
