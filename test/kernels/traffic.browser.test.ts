/** The loads and instructions that the bench counts, against those that follow from the kernel's text. */
import { expect, test } from "vitest";
import { attentionTraffic, countedKernels } from "../../bench/kernels/attention-traffic.ts";
import { traffic } from "../../bench/kernels/traffic.ts";
import type { MatVariant } from "../../src/kernels/matmul/mat-variant.ts";
import { shaderFeatures } from "../../src/kernels/core/device.ts";
import { testDevice } from "../../tools/gpu/device.ts";

const device = await testDevice();
const threads: MatVariant = {
  kind: "threads",
  rows: 4,
  tokens: 1,
  workgroup: 16,
  inner: "alone",
};
const split: MatVariant = {
  kind: "split",
  rows: 4,
  tokens: 1,
  workgroup: 64,
  subgroups: false,
};
/** 16 bytes of nibbles and 4 of scale and minimum. */
const Q4_1_BYTES = 20 / 32;

test("threads with a row each load separate sectors; threads that split a row share them", async () => {
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

test("tokens of one tile share the loaded weights", async () => {
  const batch = { format: "Q4_1", activations: "int8", tokens: 4 } as const;
  const four = await traffic(device, batch, { ...split, tokens: 4 });
  expect(four.weightBytes).toBeCloseTo(Q4_1_BYTES / 4);
  expect(four.conversions).toBe(1 / 4);
  // A byte a column, and 8 bytes of scale and sum for 32, shared by four rows.
  expect(four.inputBytes).toBeCloseTo((1 + 8 / 32) / 4);
});

test("a quad of lanes loads each activation once", async () => {
  if (!shaderFeatures(device).subgroups) {
    expect(navigator.userAgent, "only Firefox has no subgroups").toContain("Firefox");
    return;
  }
  const decode = { format: "Q4_1", activations: "float", tokens: 1 } as const;
  const quads = await traffic(device, decode, { ...threads, inner: "quads" });
  expect(quads.inputBytes).toBeCloseTo(1 / 4);
  // A sector for the four floats that all quads of a warp load.
  expect(quads.inputSectorBytes).toBeCloseTo(32 / (16 * 16));
  // Of 32 columns a lane scales 8 activations for four rows, and swaps each three times.
  expect(quads.forms).toBeCloseTo((8 * 4) / (32 * 4));
});

test("a tile reads its rows and tokens from workgroup memory once for each block of columns", async () => {
  const prefill = { format: "Q4_1", activations: "float", tokens: 32 } as const;
  const floats = await traffic(device, prefill, { kind: "tile", tokens: 4 });
  // Eight rows and four tokens of four columns, for 8 x 4 dot products of four.
  expect(floats.workgroupBytes).toBeCloseTo(((8 + 4) * 16) / (8 * 4 * 4));
  expect(floats.products).toBe(1);
  expect(floats.forms).toBeCloseTo(1 / 32);
});

test("a split kernel scales the activations of a block once for four rows", async () => {
  const decode = { format: "Q4_1", activations: "float", tokens: 1 } as const;
  const floats = await traffic(device, decode, split);
  expect(floats.products).toBe(1);
  expect(floats.forms).toBeCloseTo(1 / 4);
});

test("an integer product is one instruction for two weights or for four", async () => {
  const decode = { format: "Q4_1", activations: "int8", tokens: 1 } as const;
  const pairs = await traffic(device, decode, { ...threads, inner: "pairs" });
  const dots = await traffic(device, decode, threads);
  const scaled = await traffic(device, { ...decode, format: "Q6_K" }, threads);
  expect([pairs.products, dots.products, scaled.products]).toEqual([1 / 2, 1 / 4, 1 / 2]);
});

test("attention by workgroup: more threads, and keys and values coalesced", async () => {
  const work = { heads: 4, keyValueHeads: 2, headSize: 64, rows: 1, context: 256 };
  const [software, , gpu] = countedKernels(work);
  const apart = await attentionTraffic(device, work, software!);
  const together = await attentionTraffic(device, work, gpu!);
  // Four splits of two key heads, in one workgroup of eight threads; two workgroups of 64.
  expect([apart.threads, together.threads]).toEqual([8, 128]);
  expect([apart.pairs, together.pairs]).toEqual([4 * 256, 2 * 256]);
  // Two heads share the 128 bytes of a key; a sector for each 16 of them.
  expect(apart.keys).toEqual({ bytes: 64, sectorBytes: 128 });
  expect(apart.values).toEqual({ bytes: 64, sectorBytes: 128 });
  expect(together.keys).toEqual({ bytes: 64, sectorBytes: 64 });
  expect(together.values).toEqual({ bytes: 64, sectorBytes: 64 });
  expect([apart.leastBytes, together.leastBytes]).toEqual([128, 128]);
  // Two positions share one rescaling; or eight do, but the eight threads of a team each compute
  // it, and all 64 threads once more at the end of 256 positions.
  expect(apart.exponentials).toBe(1 + 1 / 2);
  expect(together.exponentials).toBe(1 + 8 / 8 + 64 / 256);
  // Eight shares of a score; for the largest and for the weights a team's eight to each of its
  // eight threads; and its own once more. Each thread has eight numbers of the query, and reads at
  // the end two numbers and an element of each of eight teams.
  const once = (64 * (8 + 2 * 8 + 8) * 4) / 256;
  expect([apart.workgroupBytes, together.workgroupBytes]).toEqual([0, (3 * 8 + 1) * 4 + once]);
});

test("rows of a prompt share loads at the same position", async () => {
  const work = { heads: 4, keyValueHeads: 2, headSize: 64, rows: 8, context: 64 };
  const [software, , gpu] = countedKernels(work);
  const apart = await attentionTraffic(device, work, software!);
  const together = await attentionTraffic(device, work, gpu!);
  expect(apart.pairs).toBe(4 * (57 + 58 + 59 + 60 + 61 + 62 + 63 + 64));
  // Eight threads are four rows of two key heads.
  expect(apart.keys.sectorBytes / apart.keys.bytes).toBeCloseTo(2 / 4, 1);
  // Of the 64 positions that eight teams load in eight turns there are 57.
  expect(together.keys.sectorBytes / together.keys.bytes).toBeCloseTo((7 * 8 + 2) / (8 * 8));
});
