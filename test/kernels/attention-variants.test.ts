/** Which attention kernels a device runs, and how they split positions. */
import { expect, test } from "vitest";
import {
  attentionVariant,
  maxSplits,
  SPLIT_ROWS,
  splitsOf,
} from "../../src/kernels/attention/attention-variants.ts";
import type { AttentionVariant } from "../../src/kernels/attention/attention.ts";
import { checkAttentionShape } from "../../src/kernels/attention/attention-shape.ts";

const SOFTWARE = { lowParallelism: true };
const GPU = { lowParallelism: false };
const fourLanes = {
  subgroups: true,
  integerDot: true,
  subgroupMinSize: 4,
  subgroupMaxSize: 4,
  maxInvocations: 256,
  workgroupBytes: 16_384,
};
const noSubgroups = { ...fourLanes, subgroups: false };
const SHAPE = { headSize: 64 };

test("lanes and quads need subgroups of four and heads that they can divide", () => {
  const kinds = (headSize: number, features = fourLanes) =>
    (["decode", "prefill"] as const).map(
      (use) => attentionVariant(use, { headSize }, features, SOFTWARE).kind,
    );
  expect(kinds(64)).toEqual(["lanes", "quads"]);
  expect(kinds(48)).toEqual(["threads", "threads"]);
  expect(kinds(64, { ...fourLanes, subgroupMaxSize: 8 })).toEqual(["threads", "threads"]);
  expect(kinds(64, noSubgroups)).toEqual(["threads", "threads"]);
});

test("a GPU gets a workgroup of 256 for each query head, and of 64 for a key head of a prompt", () => {
  const gpu = { kind: "workgroup", workgroupSize: 256 };
  expect(attentionVariant("decode", SHAPE, fourLanes, GPU)).toMatchObject(gpu);
  expect(attentionVariant("prefill", SHAPE, fourLanes, GPU)).toMatchObject({ workgroupSize: 64 });
});

test("the decoding kernel determines how positions are split", () => {
  const lanes = attentionVariant("decode", SHAPE, fourLanes, SOFTWARE);
  const threads = attentionVariant("decode", SHAPE, noSubgroups, SOFTWARE);
  const workgroup = attentionVariant("decode", SHAPE, fourLanes, GPU);
  const splits = (variant: AttentionVariant, longest: number, rows = 1) =>
    splitsOf(variant, rows, longest).splits;
  expect([96, 97, 512].map((longest) => splits(threads, longest))).toEqual([1, 2, 8]);
  expect([256, 257, 512].map((longest) => splits(lanes, longest))).toEqual([1, 2, 2]);
  expect([512, 513, 1024, 4096].map((longest) => splits(workgroup, longest))).toEqual([
    1, 5, 8, 32,
  ]);
  expect(splits(threads, 100_000)).toBe(16);
  expect(splits(threads, 512, SPLIT_ROWS + 1)).toBe(1);
  expect(splitsOf(threads, 1, 100).splitPositions).toBe(50);
  expect(splits(attentionVariant("prefill", SHAPE, fourLanes, SOFTWARE), 4096)).toBe(1);
  // There are partial results for all of them.
  for (const context of [64, 512, 1024, 4096, 131_072]) {
    const room = maxSplits({ segmentStarts: [0, context] });
    for (const variant of [lanes, threads, workgroup]) {
      expect(splits(variant, context)).toBeLessThanOrEqual(room);
    }
  }
  expect(maxSplits({ segmentStarts: [0, 131_072] })).toBe(64);
});

test("heads of more numbers than a workgroup has threads are refused", () => {
  const shape = {
    heads: 4,
    keyValueHeads: 2,
    ropePairs: "halves",
    ropeDims: 64,
    scale: 1,
    bias: false,
    headNorm: false,
    epsilon: 1e-6,
    segmentStarts: [0, 64],
  } as const;
  expect(() => checkAttentionShape({ ...shape, headSize: 256 })).not.toThrow();
  expect(() => checkAttentionShape({ ...shape, headSize: 264 })).toThrow(/264 are larger than 256/);
});
