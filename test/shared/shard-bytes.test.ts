/** The bytes of a shard, worked by hand. */
import { expect, test } from "vitest";
import {
  kvBytesPerToken,
  modelBytes,
  shardBytes,
  placedScratchBytes,
  scratchBytes,
  scratchSizes,
  totalBytes,
} from "../../src/shared/shard-bytes.ts";

const model = {
  contextTokens: 1000,
  layers: [100, 200, 300].map((weightBytes) => ({ weightBytes, kvBytesPerToken: 2 })),
  embedBytes: 50,
  headBytes: 60,
  tied: false,
  scratch: { fixedBytes: 1e6, rowBytes: 1e3, positionBytes: 4, splitBytes: 100, answerBytes: 7 },
};
const settings = { contextTokens: 10, generationSlots: 3 };

test("weights and cache of the layers; the embedding is the first stage's, the head the last's", () => {
  const bytes = modelBytes(model, settings);
  expect(shardBytes(bytes, { first: 0, end: 1 })).toMatchObject({
    weightBytes: 150,
    cacheBytes: 60,
  });
  expect(shardBytes(bytes, { first: 1, end: 2 })).toMatchObject({
    weightBytes: 200,
    cacheBytes: 60,
  });
  expect(shardBytes(bytes, { first: 1, end: 3 })).toMatchObject({
    weightBytes: 560,
    cacheBytes: 120,
  });
  expect(shardBytes(bytes, { first: 0, end: 3 })).toMatchObject({
    weightBytes: 710,
    cacheBytes: 180,
  });
});

test("a tied head costs its bytes again, except beside the embedding", () => {
  const tied = modelBytes({ ...model, headBytes: 0, tied: true }, settings);
  expect(shardBytes(tied, { first: 2, end: 3 }).weightBytes).toBe(350);
  expect(shardBytes(tied, { first: 0, end: 3 }).weightBytes).toBe(650);
});

test("a cache never holds more than the model's own context", () => {
  const { layers } = modelBytes(model, { contextTokens: 1_000_000, generationSlots: 2 });
  expect(layers[0]?.kvBytes).toBe(2 * 1000 * 2);
});

test("keys and values take two bytes a number", () => {
  expect(kvBytesPerToken({ keyValueHeads: 3, headSize: 64 })).toBe(2 * 3 * 64 * 2);
});

test("all of it", () => {
  expect(totalBytes({ weightBytes: 1, cacheBytes: 20, scratchBytes: 300 })).toBe(321);
});

test("scratch grows with rows, positions, parts of the context, and answers", () => {
  const use = { rows: 2, positions: 30, splits: 4, answers: 5 };
  expect(scratchBytes(model.scratch, use)).toBe(1e6 + 2e3 + 120 + 400 + 35);
});

test("a placement counts the smallest chunk, the context in parts of 64, and all answers", () => {
  const settings = { contextTokens: 65, generationSlots: 3 };
  expect(placedScratchBytes(model, settings)).toBe(1e6 + 64e3 + 65 * 4 + 2 * 100 + 3 * 7);
});

test("the scratch of a model with 3 heads of 4, of which 1 has keys and values", () => {
  const { answerBytes, ...sizes } = scratchSizes({
    ...{ hidden: 10, feedForward: 32, heads: 3, keyValueHeads: 1, headSize: 4, vocabulary: 5 },
    rope: { dims: 4 },
  });
  expect(sizes).toEqual({
    fixedBytes: 512 * 12 * 4,
    // The residual, its norm, and a product's result; query, key, and value; attention; two of the feed
    // forward; and the widest of them in 8 bits with scales.
    rowBytes: (3 * 10 + 20 + 12 + 2 * 32 + (32 * 5) / 16) * 4,
    positionBytes: 16,
    splitBytes: 8 * 3 * 6 * 4,
  });
  expect(answerBytes).toBeGreaterThan(5 * 4);
});
