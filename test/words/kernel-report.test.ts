/** A shard's kernels in words. */
import { expect, test } from "vitest";
import { type KernelChoice, KernelReport } from "../../src/shared/kernel-report.ts";
import { describeKernelChoice, describeTuning } from "../../src/words/kernel-report.ts";

const TRAITS = { lowParallelism: true, rowsPerChunk: 128 };
const OTHERS = [
  { name: "threads 8x1 wg16", speed: 0.9 },
  { name: "split 4x1 wg64", speed: 0.254 },
];
const ATTENTION: KernelChoice = {
  kind: "attention",
  shape: "9/3x64",
  workload: "decode",
  winner: "threads",
  ratePerMs: 20,
  others: [{ name: "workgroup", speed: 0.5 }],
};
const PRODUCT: KernelChoice = {
  kind: "product",
  shape: "Q4_1 int8 1536x576",
  workload: "prefill",
  winner: "threads 4x1 wg16 pairs",
  ratePerMs: 1.25e7,
  others: OTHERS,
};

test.each<[KernelReport["tuning"], string[]]>([
  [{ status: "measured" }, []],
  [
    { status: "untuned_few_layers" },
    ["All kernels are initial choices: for so few layers, measuring is not worthwhile."],
  ],
  [
    { status: "first_guess", done: 2, total: 8 },
    ["The initial choice is in use. 2 of 8 kinds of work have been measured."],
  ],
  [{ status: "first_guess", done: 0, total: 0 }, ["The initial choice is in use."]],
  [
    { status: "failed", detail: "Error: lost" },
    ["The initial choice stays, because measuring failed: Error: lost"],
  ],
])("%j", (tuning, sentences) => {
  const report = KernelReport.parse({ traits: TRAITS, choices: [ATTENTION, PRODUCT], tuning });
  const device = "Low parallelism. A prompt is computed in chunks of 128 rows.";
  expect(describeTuning(report)).toEqual([device, ...sentences]);
});

test("the traits of a GPU", () => {
  const traits = { lowParallelism: false, rowsPerChunk: 64 };
  expect(describeTuning({ traits, choices: [], tuning: { status: "measured" } })).toEqual([
    "High parallelism. A prompt is computed in chunks of 64 rows.",
  ]);
});

test.each<[KernelChoice, string, string, string]>([
  [ATTENTION, "attention 9/3x64 decode", "threads 50.0 µs", "; workgroup 0.50"],
  [
    { ...ATTENTION, ratePerMs: null, others: [] },
    "attention 9/3x64 decode",
    "threads",
    " (not measured)",
  ],
  [
    PRODUCT,
    "Q4_1 int8 1536x576 prefill",
    "threads 4x1 wg16 pairs 12.5 GMAC/s",
    "; threads 8x1 wg16 0.90, split 4x1 wg64 0.25",
  ],
  [
    { ...PRODUCT, others: [] },
    "Q4_1 int8 1536x576 prefill",
    "threads 4x1 wg16 pairs 12.5 GMAC/s",
    "",
  ],
  [
    { ...PRODUCT, ratePerMs: null, others: [] },
    "Q4_1 int8 1536x576 prefill",
    "threads 4x1 wg16 pairs",
    " (not measured)",
  ],
])("%j", (choice, work, winner, others) => {
  expect(describeKernelChoice(choice)).toEqual({ work, winner, others });
});
