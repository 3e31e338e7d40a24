/** Attention kernels are replaced between two steps: the cache and the results stay the same. */
import { expect, test } from "vitest";
import { AttentionPlan } from "../../src/engine/attention-plan.ts";
import { newCounters } from "../../src/engine/counters.ts";
import { GpuResources } from "../../src/engine/gpu-resources.ts";
import { attentionShape } from "../../src/engine/shard-work.ts";
import { firstVariants } from "../../src/kernels/kernel-variants.ts";
import {
  attentionOutputFloats,
  attentionReference,
  type AttentionVariant,
} from "../../src/kernels/attention/attention.ts";
import {
  queryKeyValueColumns,
  rotationTable,
} from "../../src/kernels/attention/attention-shape.ts";
import {
  attentionCandidates,
  maxSplits,
  SPLIT_ROWS,
} from "../../src/kernels/attention/attention-variants.ts";
import { CacheReference } from "../../src/kernels/attention/rope.ts";
import { shaderFeatures } from "../../src/kernels/core/device.ts";
import { packStep, STEP_BYTES } from "../../src/kernels/core/step-uniform.ts";
import { readBack } from "../../src/tuner/agreement.ts";
import { testDevice } from "../../tools/gpu/device.ts";
import { F16_CACHE_TOLERANCE } from "../../tools/gpu/engine-tolerances.ts";
import { expectClose } from "../../tools/gpu/expect-close.ts";
import { randomF32 } from "../../tools/gpu/random.ts";
import { tinyModel } from "../../tools/engine/tiny-model.ts";

const { model } = tinyModel({
  architecture: "qwen3",
  format: "F16",
  oddFormat: "F16",
  tiedHead: true,
});
const device = await testDevice();
const shape = { ...attentionShape(device.limits, model, 256, 1), segmentStarts: [0, 128, 256] };
const columns = queryKeyValueColumns(shape);
const width = shape.heads * shape.headSize;
const MAX_ROWS = 64;
const table = rotationTable(256, model.rope.frequencies, 1);
const extras = randomF32(2 * shape.headSize, 3);

const features = shaderFeatures(device);
const kernelOf = (use: "decode" | "prefill", kind: AttentionVariant["kind"]) =>
  [true, false]
    .flatMap((lowParallelism) =>
      attentionCandidates(use, shape, features, { lowParallelism, float16Unpack: "builtin" }),
    )
    .find((variant) => variant.kind === kind)!;
const choiceOf = (kind: AttentionVariant["kind"]) => ({
  decodeAttention: kernelOf("decode", kind),
  prefillAttention: kernelOf("prefill", kind),
});

async function planOn(resources: GpuResources, kind: AttentionVariant["kind"]) {
  const storage = (label: string, floats: number) => resources.storage(label, floats * 4);
  const buffers = {
    step: resources.uniform("step", STEP_BYTES),
    queryKeyValue: storage("q, k, v", MAX_ROWS * columns),
    query: storage("query", MAX_ROWS * width),
    table: storage("rotations", table.length),
    output: storage("output", attentionOutputFloats(shape, SPLIT_ROWS, maxSplits(shape))),
  };
  const extra = storage("extras", extras.length);
  resources.write(buffers.table, table);
  resources.write(extra, extras);
  const first = firstVariants(features, { lowParallelism: true, float16Unpack: "builtin" }, shape);
  const variants = { ...first, ...choiceOf(kind) };
  const options = { model, shape, variants, buffers, extras: [extra], sequences: 2 };
  return { plan: await AttentionPlan.create(resources, options), buffers };
}

test.each([
  ["threads", "workgroup"],
  ["workgroup", "threads"],
] as const)("from %s to %s", async (before, after) => {
  const resources = new GpuResources(device, newCounters());
  const { plan, buffers } = await planOn(resources, before);
  const reference = new CacheReference();

  async function step(first: number, count: number, seed: number) {
    const qkv = randomF32(count * columns, seed);
    const longest = first + count;
    plan.reach(longest);
    const fused = count === 1;
    const params = {
      rows: Array.from({ length: count }, (_, i) => ({
        sequence: 1,
        position: first + i,
        token: 0,
      })),
      samples: [],
      ...plan.splits(count, longest, fused),
    };
    resources.write(buffers.step, packStep(params));
    resources.write(buffers.queryKeyValue, qkv);
    record((pass) => plan.record(pass, 0, params, fused));
    const actual = await readBack(device, buffers.output, 0, count * width * 4);
    const expected = attentionReference(shape, { qkv, table, extras }, reference, params);
    expectClose(actual, expected, F16_CACHE_TOLERANCE);
    return params.splits;
  }

  const record = (recorded: (pass: GPUComputePassEncoder) => void) => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    recorded(pass);
    pass.end();
    device.queue.submit([encoder.finish()]);
  };

  await step(0, MAX_ROWS, 1);
  await step(MAX_ROWS, 50, 2);
  const splits = [await step(114, 1, 3)];
  const kernels = await plan.compile(choiceOf(after));
  const boundBefore = resources.counters.buffersCreated;
  // The step's rows are none then; the uniform says so.
  resources.write(buffers.step, new Uint8Array(STEP_BYTES));
  record((pass) => plan.recordOnce(pass, kernels));
  plan.adopt(kernels);
  expect(resources.counters.buffersCreated).toBe(boundBefore);
  splits.push(await step(115, 1, 4));
  // How positions are split is the kernel's.
  expect(splits).toEqual(before === "threads" ? [2, 1] : [1, 2]);
  await step(116, 10, 5);
  // Into a segment that is made afterwards, with what was written before.
  await step(126, 8, 6);
  await step(134, 1, 7);
  resources.destroy();
});
