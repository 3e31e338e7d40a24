/** How many rows of a prompt a device takes in one step, from its rate. */
import { expect, test } from "vitest";
import { chunkRows } from "../../src/tuner/chunk-rows.ts";

/** A layer with as many multiply-accumulates in a row as this model has in all. */
const shard = (macsPerRow: number) => ({
  products: [{ format: "Q4_0" as const, rows: 1000, columns: macsPerRow / 1000 }],
});
const traits = (lowParallelism: boolean) => ({ lowParallelism });

test("a GPU takes as many rows as it computes in half a second", () => {
  const rows = (macsPerMs: number) => chunkRows(shard(7e9), traits(false), macsPerMs);
  expect(rows(1e10)).toBe(512);
  expect(rows(5e9)).toBe(256);
  expect(rows(1e9)).toBe(64);
  expect(rows(1e6), "it must take some").toBe(64);
});

test("a software adapter takes as many rows as it computes in 1.5 seconds, up to 256", () => {
  const rows = (macsPerMs: number) => chunkRows(shard(1e8), traits(true), macsPerMs);
  expect(rows(1e9)).toBe(256);
  expect(rows(2.3e7)).toBe(256);
  expect(rows(1e7)).toBe(128);
  expect(rows(6.5e6)).toBe(64);
});

test("before anything is measured, a GPU is assumed to be small, and a software adapter takes the fewest rows", () => {
  expect(chunkRows(shard(5e8), traits(false), null)).toBe(256);
  expect(chunkRows(shard(5e8), traits(true), null)).toBe(64);
});
