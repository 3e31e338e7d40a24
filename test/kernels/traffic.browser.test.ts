/** What the bench counts of a kernel's loads, against what its text says it must be. */
import { expect, test } from "vitest";
import { traffic } from "../../bench/kernels/traffic.ts";
import type { MatVariant } from "../../src/kernels/mat-source.ts";
import { testDevice } from "./support/device.ts";

const device = await testDevice();
const threads: MatVariant = {
  kind: "threads",
  rows: 4,
  tokens: 1,
  workgroup: 16,
  inner: "alone",
  float16: false,
};
const split: MatVariant = {
  kind: "split",
  rows: 4,
  tokens: 1,
  workgroup: 64,
  subgroups: false,
  float16: false,
};
/** 16 bytes of nibbles and 4 of scale and minimum. */
const Q4_1_BYTES = 20 / 32;

test("threads that take rows each touch sectors of their own; those that split a row share them", async () => {
  const decode = { format: "Q4_1", activations: "float", tokens: 1 } as const;
  const [apart, together] = [
    await traffic(device, decode, threads),
    await traffic(device, decode, split),
  ];
  expect(apart.weightBytes).toBeCloseTo(Q4_1_BYTES);
  expect(together.weightBytes).toBeCloseTo(Q4_1_BYTES);
  // A sector for 16 bytes, and one for 4.
  expect(apart.weightSectorBytes).toBeCloseTo(64 / 32);
  expect(together.weightSectorBytes).toBeCloseTo(Q4_1_BYTES);
  // 4 bytes a column, shared by four rows.
  expect(apart.inputBytes).toBeCloseTo(1);
  expect(together.threads).toBe(64 * apart.threads);
});

test("tokens of one tile share what was loaded of the weights", async () => {
  const batch = { format: "Q4_1", activations: "int8", tokens: 4 } as const;
  const four = await traffic(device, batch, { ...split, tokens: 4 });
  expect(four.weightBytes).toBeCloseTo(Q4_1_BYTES / 4);
  expect(four.conversions).toBe(1 / 4);
  // A byte a column, and 8 bytes of scale and sum for 32, shared by four rows.
  expect(four.inputBytes).toBeCloseTo((1 + 8 / 32) / 4);
});
