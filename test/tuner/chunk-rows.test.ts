/** How many rows of a prompt a GPU takes in one step, from its rate; software adapters measure it. */
import { expect, test } from "vitest";
import { firstRows, gpuRows } from "../../src/tuner/chunk-rows.ts";

const LLAMA_8B_MACS = 7e9;

test("a GPU takes as many rows as it computes in half a second", () => {
  const rows = (macsPerMs: number) => gpuRows({ macsPerRow: LLAMA_8B_MACS, macsPerMs });
  expect(rows(1e10)).toBe(512);
  expect(rows(5e9)).toBe(256);
  expect(rows(1e9)).toBe(64);
  expect(rows(1e6), "it must take some").toBe(64);
});

test("before anything is measured, a GPU is assumed to be small, and a software adapter takes the fewest rows", () => {
  const work = {
    products: [{ format: "Q4_0" as const, rows: 1000, columns: 500_000 }],
  };
  const traits = { float16Unpack: "builtin" as const };
  expect(firstRows(work, { ...traits, lowParallelism: false })).toBe(256);
  expect(firstRows(work, { ...traits, lowParallelism: true })).toBe(64);
});
