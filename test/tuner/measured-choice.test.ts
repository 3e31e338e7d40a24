import { expect, test } from "vitest";
import { measuredChoice } from "../../src/tuner/measured-choice.ts";
import type { KernelVariants } from "../../src/kernels/kernel-variants.ts";
import {
  type Activations,
  type MatVariant,
  WORKLOADS,
} from "../../src/kernels/matmul/mat-variant.ts";
import type { Measured } from "../../src/tuner/jobs.ts";

const variant = (rows: number): MatVariant => ({
  kind: "threads",
  rows,
  tokens: 1,
  workgroup: 16,
  inner: "alone",
});
const GUESS = variant(99);
const first: KernelVariants["mat"] = (_, __, mayRound) => ({
  activations: mayRound ? "int8" : "float",
  variant: GUESS,
});

/** Rates of decode, batch and prefill; null is not measured. */
function measured(activations: Activations, rates: readonly (number | null)[]): Measured[] {
  return rates.map((macsPerMs, i) => ({
    job: { format: "Q4_1", activations, rows: 8, columns: 32, workload: WORKLOADS[i]! },
    timings: macsPerMs === null ? [] : [{ variant: variant(i), macsPerMs }],
  }));
}
const choice = (
  float: readonly (number | null)[],
  int8: readonly (number | null)[],
  norms: "folded" | "separate" = "folded",
) =>
  measuredChoice([...measured("float", float), ...measured("int8", int8)], { mat: first, norms });

test("the faster one wins each kind of step, and int8 must make up for its rounding", () => {
  const mat = choice([10, 10, 10], [12, 10.5, 5]);
  expect(mat("Q4_1", "decode", true)).toMatchObject({ activations: "int8", variant: variant(0) });
  expect(mat("Q4_1", "batch", true)).toMatchObject({ activations: "float", variant: variant(1) });
  expect(mat("Q4_1", "prefill", true)).toMatchObject({ activations: "float", variant: variant(2) });
});

test("where norms are dispatches of their own, rounding costs nothing, and int8 wins a tie", () => {
  const mat = choice([10, 10, 10], [10, 9.6, 9], "separate");
  expect(mat("Q4_1", "decode", true)).toMatchObject({ activations: "int8" });
  expect(mat("Q4_1", "batch", true)).toMatchObject({ activations: "int8" });
  expect(mat("Q4_1", "prefill", true)).toMatchObject({ activations: "float" });
});

test("products that may not round use floats", () => {
  expect(choice([1, 1, 1], [9, 9, 9])("Q4_1", "decode", false)).toMatchObject({
    activations: "float",
    variant: variant(0),
  });
});

test("where only one was measured, it is used, and where neither was, the guess", () => {
  const float = choice([10, null, null], [null, null, null]);
  expect(float("Q4_1", "decode", true)).toMatchObject({
    activations: "float",
    variant: variant(0),
  });
  expect(float("Q4_1", "batch", true)).toEqual({ activations: "int8", variant: GUESS });
  const int8 = choice([null, null, null], [null, 7, null]);
  expect(int8("Q4_1", "batch", true)).toMatchObject({ activations: "int8", variant: variant(1) });
  expect(int8("Q4_1", "batch", false)).toEqual({ activations: "float", variant: GUESS });
  expect(int8("Q8_0", "batch", true)).toEqual({ activations: "int8", variant: GUESS });
});
