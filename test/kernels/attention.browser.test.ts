/** RoPE, cache writes and attention, in every form, against plain loops. */
import { describe, expect, test } from "vitest";
import {
  attentionKernel,
  attentionOutputFloats,
  attentionReduceKernel,
  attentionReference,
  fitsSubgroups,
  type AttentionVariant,
} from "../../src/kernels/attention/attention.ts";
import {
  checkAttentionShape,
  queryKeyValueColumns,
  rotationTable,
  type AttentionShape,
} from "../../src/kernels/attention/attention-shape.ts";
import { CacheReference, ropeKernel, ropeReference } from "../../src/kernels/attention/rope.ts";
import { shaderFeatures } from "../../src/kernels/core/device.ts";
import { run } from "../../tools/gpu/run.ts";
import type { StepParams } from "../../src/kernels/core/step-uniform.ts";
import { testDevice } from "../../tools/gpu/device.ts";
import { expectClose } from "../../tools/gpu/expect-close.ts";
import { randomF32 } from "../../tools/gpu/random.ts";
import { F16_CACHE_TOLERANCE } from "../../tools/gpu/engine-tolerances.ts";

const SEQUENCES = 2;
const SEGMENT_STARTS = [0, 64, 128];

const small: AttentionShape = {
  heads: 6,
  keyValueHeads: 2,
  headSize: 32,
  ropePairs: "interleaved",
  ropeDims: 32,
  scale: 0.25,
  bias: false,
  headNorm: false,
  epsilon: 1e-5,
  segmentStarts: SEGMENT_STARTS,
};
const SHAPES: readonly (AttentionShape & { name: string })[] = [
  { name: "llama", ...small },
  { name: "qwen2", ...small, ropePairs: "halves", bias: true, heads: 7, keyValueHeads: 1 },
  { name: "qwen3", ...small, ropePairs: "halves", headNorm: true, epsilon: 0.1, heads: 4 },
  { name: "heads that do not fill a workgroup", ...small, headSize: 80, ropeDims: 80 },
  {
    name: "many small heads for a key",
    ...small,
    heads: 16,
    keyValueHeads: 1,
    headSize: 8,
    ropeDims: 8,
  },
  { name: "partly rotated", ...small, ropePairs: "halves", ropeDims: 8, scale: 0.7 },
  {
    name: "two parts a key head",
    ...small,
    heads: 8,
    keyValueHeads: 2,
    headSize: 128,
    ropeDims: 128,
    scale: 0.09,
  },
];

/** Compiling takes Firefox's adapter seconds for each: it runs the shapes of models. */
const TESTED = navigator.userAgent.includes("Firefox")
  ? SHAPES.filter(({ name }) => ["llama", "qwen2", "qwen3", "two parts a key head"].includes(name))
  : SHAPES;

const VARIANTS: readonly { decode: Variant; prefill: Variant }[] = [
  both({ kind: "threads", block: 2, workgroupSize: 8 }),
  both({ kind: "threads", block: 1, workgroupSize: 8 }),
  {
    decode: { kind: "lanes", block: 2, workgroupSize: 4 },
    prefill: { kind: "quads", block: 1, workgroupSize: 4 },
  },
  {
    decode: { kind: "lanes", block: 1, workgroupSize: 4 },
    prefill: { kind: "quads", block: 2, workgroupSize: 4 },
  },
  {
    decode: { kind: "workgroup", block: 2, workgroupSize: 128 },
    prefill: { kind: "workgroup", block: 2, workgroupSize: 32 },
  },
  both({ kind: "workgroup", block: 1, workgroupSize: 32, subgroup: 4 }),
];

type Variant = Omit<AttentionVariant, "fused">;

function both(variant: Variant) {
  return { decode: variant, prefill: variant };
}

/** One step of the kernels over caches that live on the GPU. */
async function step(
  shape: AttentionShape,
  variant: AttentionVariant,
  caches: GPUBuffer[],
  input: { qkv: Float32Array; table: Float32Array; extras: Float32Array },
  params: StepParams,
): Promise<Float32Array> {
  const device = await testDevice();
  const rows = params.rows.length;
  const floats = attentionOutputFloats(shape, rows, params.splits);
  let queries = input.qkv;
  if (!variant.fused) {
    const kernel = ropeKernel(shape);
    const output = { output: rows * shape.heads * shape.headSize };
    const inputs = [input.qkv, input.table, input.extras, output, ...caches];
    queries = (await run(device, kernel, inputs, params))[0]!;
  }
  const kernel = attentionKernel(shape, variant);
  const inputs = [queries, input.table, input.extras, { output: floats }, ...caches];
  let out = (await run(device, kernel, inputs, params))[0]!;
  if (params.splits > 1) {
    out = (await run(device, attentionReduceKernel(shape, variant), [out], params))[0]!;
  }
  return out.subarray(0, rows * shape.heads * shape.headSize);
}

async function freshCaches(shape: AttentionShape): Promise<GPUBuffer[]> {
  const device = await testDevice();
  return SEGMENT_STARTS.slice(1).map((end, i) => {
    const positions = end - SEGMENT_STARTS[i]!;
    const unpack = SEQUENCES * shape.keyValueHeads * 2 * positions * shape.headSize;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return device.createBuffer({ size: unpack * 2, usage });
  });
}

const frequencies = (dims: number) =>
  Float64Array.from({ length: dims / 2 }, (_, i) => 100 ** ((-2 * i) / dims));

const rowsOf = (sequence: number, first: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ sequence, position: first + i, token: 0 }));

describe.each(TESTED)("attention of $name", (shape) => {
  test.each(VARIANTS.filter(({ decode }) => decode.kind !== "lanes" || fitsSubgroups(shape)))(
    "$prefill.kind of $prefill.workgroupSize, blocks of $prefill.block: prefill, then $decode.kind of $decode.workgroupSize decode of two sequences over both segments",
    async ({ decode, prefill }) => {
      const device = await testDevice();
      const usesSubgroups = decode.kind === "lanes" || decode.subgroup !== undefined;
      if (usesSubgroups && !shaderFeatures(device).subgroups) {
        expect(navigator.userAgent, "only Firefox has no subgroups").toContain("Firefox");
        return;
      }
      checkAttentionShape(shape);
      const caches = await freshCaches(shape);
      const reference = new CacheReference();
      const table = rotationTable(128, frequencies(shape.ropeDims), 1.5);
      const columns = queryKeyValueColumns(shape);
      const extras = randomF32(columns + 2 * shape.headSize, 5);
      const one = { samples: [], splits: 1, splitPositions: 128 };
      const steps: (StepParams & { fused: boolean })[] = [
        { rows: rowsOf(0, 0, 62), ...one, fused: false },
        { rows: [...rowsOf(0, 62, 5), ...rowsOf(1, 0, 3)], ...one, fused: false },
        { rows: [...rowsOf(1, 3, 1), ...rowsOf(0, 67, 1)], ...one, fused: true },
        {
          rows: [...rowsOf(0, 68, 1), ...rowsOf(1, 4, 1)],
          samples: [],
          splits: 6,
          splitPositions: 12,
          fused: true,
        },
        // A position written again: the old key must be gone.
        { rows: rowsOf(0, 40, 1), ...one, fused: true },
      ];
      for (const [i, params] of steps.entries()) {
        const input = { qkv: randomF32(params.rows.length * columns, 10 + i), table, extras };
        const { fused } = params;
        const variant = { ...(fused ? decode : prefill), fused };
        const actual = await step(shape, variant, caches, input, params);
        const expected = attentionReference(shape, input, reference, params);
        expectClose(actual, expected, F16_CACHE_TOLERANCE);
      }
    },
  );

  test("rope.wgsl rotates queries and scales them", async () => {
    const device = await testDevice();
    const caches = await freshCaches(shape);
    const input = {
      qkv: randomF32(3 * queryKeyValueColumns(shape), 3),
      table: rotationTable(128, frequencies(shape.ropeDims), 0.5),
      extras: randomF32(queryKeyValueColumns(shape) + 2 * shape.headSize, 4),
    };
    const params = { rows: rowsOf(1, 63, 3), samples: [], splits: 1, splitPositions: 128 };
    const output = { output: 3 * shape.heads * shape.headSize };
    const inputs = [input.qkv, input.table, input.extras, output, ...caches];
    const [query] = await run(device, ropeKernel(shape), inputs, params);
    expectClose(
      query!,
      ropeReference(shape, input, new CacheReference(), params),
      F16_CACHE_TOLERANCE,
    );
  });
});
