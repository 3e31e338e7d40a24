/**
 * What a step dispatches on a GPU, from the engine's own plans, for models from 135M to 70B: how much, how
 * wide, and of which rows; and how many rows a chunk has. The device only records (planned-device.ts).
 */
import { describe, expect, test } from "vitest";
import { beginLoad } from "../../src/engine/load-shard.ts";
import type { SampleRequest, ShardOptions } from "../../src/engine/types.ts";
import type { ShardDescription } from "../../src/model/index.ts";
import { setTuner, type VariantSet } from "../../tools/engine/fixed-tuner.ts";
import { acceptsInt8 } from "../../src/kernels/index.ts";
import { GREEDY_REQUEST } from "../../tools/engine/generate.ts";
import { describeShape, MODEL_SHAPES } from "../../tools/engine/model-shapes.ts";
import { ADAPTERS } from "../../tools/gpu/adapters.ts";
import { plannedDevice } from "../../tools/gpu/planned-device.ts";

/** The widest card that was measured, and its multiprocessors. */
const NVIDIA = ADAPTERS.find(({ name }) => name === "NVIDIA on Linux, Chromium")!;
const CORES = 132;
const TRAITS = { lowParallelism: false, float16Unpack: "builtin" } as const;
const INT8: VariantSet = { traits: TRAITS, activations: "int8", index: 0 };
const CONTEXT = 4096;
const NO_WEIGHTS = {
  read: () => Promise.reject(new Error("no weights are read")),
};
const nothing = () => undefined;

async function shardOn(description: ShardDescription, memoryBudgetBytes = Infinity, set = INT8) {
  const { device, dispatches } = plannedDevice(NVIDIA);
  const options: ShardOptions = {
    ...{ contextTokens: CONTEXT, sequences: 1, activations: set.activations },
    ...{ memoryBudgetBytes, submitWhileWaiting: false },
  };
  const gpu = { device, tuner: setTuner(device, set, 512) };
  const load = await beginLoad(gpu, description, options, NO_WEIGHTS, nothing, nothing);
  const { shard } = await load.prepared;
  /** The dispatches of a step of `rows` rows that ends at `position`. */
  const step = async (
    position: number,
    rows = 1,
    sample: SampleRequest | null = GREEDY_REQUEST,
  ) => {
    const before = dispatches.length;
    const all = Array.from({ length: rows }, (_, i) => ({
      ...{ sequence: 0, position: position - (rows - 1 - i), token: 0 },
      sample: i === rows - 1 ? sample : null,
    }));
    await shard.step(all, null);
    return dispatches.slice(before);
  };
  return { shard, step };
}

describe.each(MODEL_SHAPES.map((shape) => ({ name: shape.name, shape })))("$name", ({ shape }) => {
  const { keyValueHeads, headSize, formats } = shape;

  test.each([0, 1])("candidate %i: few dispatches, as wide as their work allows", async (index) => {
    const { step } = await shardOn(describeShape(shape, CONTEXT), Infinity, { ...INT8, index });
    // The second layer's v, and its up, have another format than q and k, and gate: a product more each,
    // and a norm more if only one of the two rounds its input.
    const mixed = acceptsInt8(formats[1]) ? 2 : 4;
    // Embedding, norm, head, and two to sample; int8 rounds the head's input.
    const outside = acceptsInt8(formats[1]) ? 6 : 5;
    for (const [position, layer] of [
      [0, 7],
      [511, 7],
      [512, 8],
      [CONTEXT - 1, 8],
    ] as const) {
      const decode = await step(position);
      expect(decode).toHaveLength(2 * layer + mixed + outside);
      // A workgroup has at least two rows; only a value's product alone may have less than two for each core.
      const least = Math.min(CORES, (keyValueHeads * headSize) / 2);
      for (const { kernel, groups } of decode)
        if (kernel.startsWith("mat ")) expect(groups, kernel).toBeGreaterThanOrEqual(least);
    }
  });

  test("a prompt's head is computed for its last row only, and for no row that is not sampled", async () => {
    const { shard, step } = await shardOn(describeShape(shape, CONTEXT));
    expect(shard.maxRows).toBe(512);
    const prompt = await step(511, 512);
    const without = await step(511, 512, null);
    const decode = await step(511);
    const outside = acceptsInt8(formats[1]) ? 5 : 4;
    expect(prompt.slice(0, -outside)).toEqual(without);
    expect(prompt.slice(-outside)).toEqual(decode.slice(-outside));
  });
});

test("a chunk has as many rows as memory allows, and a stage's as many as it passes on at once", async () => {
  const shape = describeShape(MODEL_SHAPES[4]!, CONTEXT);
  const { shard, step } = await shardOn(shape);
  await step(CONTEXT - 1); // the cache grows to all that the plan counts
  const bytes = Object.values(shard.memory()).reduce((sum, part) => sum + part, 0);
  expect((await shardOn(shape, bytes)).shard.maxRows).toBe(512);
  expect((await shardOn(shape, bytes - 1)).shard.maxRows).toBeLessThan(512);
  // Of 4,096 numbers of f32 in 4 MiB.
  expect((await shardOn({ ...shape, head: null, outputNorm: null })).shard.maxRows).toBe(256);
});
