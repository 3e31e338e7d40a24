/** The bytes of a shard, worked by hand. */
import { expect, test } from "vitest";
import {
  kvBytesPerToken,
  modelBytes,
  shardBytes,
  totalBytes,
} from "../../src/shared/shard-bytes.ts";

const model = {
  contextTokens: 1000,
  layers: [100, 200, 300].map((weightBytes) => ({ weightBytes, kvBytesPerToken: 2 })),
  embedBytes: 50,
  headBytes: 60,
  tied: false,
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
