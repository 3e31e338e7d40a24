/** Epilogues, the folded norm, split tensors, and concatenated and interleaved rows. */
import { describe, expect, test } from "vitest";
import { dequantize } from "../../src/tensor/dequantize.ts";
import { rowBytes } from "../../src/tensor/block-format.ts";
import { randomBlocks } from "../../src/tensor/random-blocks.ts";
import { EPILOGUES, type MatInput, planMat } from "../../src/kernels/matmul/mat.ts";
import type { MatEpilogue } from "../../src/kernels/matmul/mat-source.ts";
import {
  matReference,
  normReference,
  swigluReference,
} from "../../src/kernels/matmul/mat-reference.ts";
import {
  type Activations,
  variantName,
  type MatVariant,
} from "../../src/kernels/matmul/mat-variant.ts";
import { quantizeReference } from "../../src/kernels/matmul/quantize-rows.ts";
import { upload } from "../../src/kernels/core/upload.ts";
import { createWeights, writeRows } from "../../src/kernels/matmul/weights.ts";
import { testDevice } from "../../tools/gpu/device.ts";
import { expectClose } from "../../tools/gpu/expect-close.ts";
import { byTokens, candidatesOf, randomWeights, record, runMat } from "../../tools/gpu/mat.ts";
import { randomF32, randomSource } from "../../tools/gpu/random.ts";
import { F32_TOLERANCE } from "../../tools/gpu/tolerances.ts";

const device = await testDevice();
const variants = candidatesOf(device, ["decode", "batch", "prefill"], "float").map((variant) => ({
  name: variantName(variant),
  variant,
}));
const folding = variants.filter(({ variant }) => variant.kind === "threads");
/** One of each kind that both browsers run, and one of subgroups. */
const kinds = (["threads", "split", "tile", "subgroups"] as const).flatMap(
  (kind) =>
    variants.find(({ name, variant }) => variant.kind === kind && !name.endsWith("quads")) ?? [],
);
const shape = { rows: 70, columns: 96, tokens: 5 };

/** Activations in GPU memory, and their values after any rounding. */
function inputOf(kind: Activations, tokens = shape.tokens): { x: Float32Array; input: MatInput } {
  const x = randomF32(tokens * shape.columns, 2);
  if (kind === "float") return { x, input: { kind, x: upload(device, x) } };
  const { quants, scales } = quantizeReference(x);
  const buffers = {
    x: upload(device, new Uint8Array(quants.buffer)),
    scales: upload(device, Float32Array.from(scales)),
  };
  return {
    x: x.map((_, i) => quants[i]! * scales[(i >> 5) * 2]!),
    input: { kind, ...buffers },
  };
}

describe.each(folding)("the norm folded into $name", ({ variant }) => {
  test.each([1e-6, 0.5])("epsilon %f", async (epsilon) => {
    const { weights, plain } = randomWeights(device, "Q4_1", shape);
    const x = randomF32(shape.tokens * shape.columns, 2);
    const weight = randomF32(shape.columns, 3);
    const out = await runMat(device, {
      weights,
      input: {
        kind: "float",
        x: upload(device, x),
        norm: { weight: upload(device, weight), epsilon },
      },
      tokens: shape.tokens,
      variant,
      out: new Float32Array(shape.tokens * shape.rows).fill(NaN),
      outputStride: shape.rows,
    });
    const expected = matReference(plain, normReference(x, weight, epsilon), shape);
    expectClose(out, expected, F32_TOLERANCE);
  });
});

describe.each(kinds)("$name", ({ variant }) => {
  const { weights, plain } = randomWeights(device, "Q4_1", shape);
  const { x, input } = inputOf("float");
  const product = matReference(plain, x, shape);
  const { rows, tokens } = shape;
  const base = { weights, input, tokens, variant };

  test("adds to the existing output", async () => {
    const before = randomF32(rows * tokens, 5);
    const out = await runMat(device, {
      ...base,
      epilogue: EPILOGUES.add,
      out: before,
      outputStride: rows,
    });
    expectClose(
      out,
      product.map((value, i) => value + before[i]!),
      F32_TOLERANCE,
    );
  });

  test("joins gate and up, interleaved by rows", async () => {
    const out = await runMat(device, {
      ...base,
      epilogue: EPILOGUES.swiglu,
      out: new Float32Array((rows / 2) * tokens).fill(NaN),
      outputStride: rows / 2,
    });
    expectClose(out, swigluReference(product), F32_TOLERANCE);
  });

  test("joins up rows with a gate that was stored before", async () => {
    const gate = randomF32(rows * tokens, 6).map((value) => value * 30);
    const out = await runMat(device, {
      ...base,
      epilogue: EPILOGUES.multiplySilu,
      extra: [upload(device, gate)],
      out: new Float32Array(rows * tokens).fill(NaN),
      outputStride: rows,
    });
    const silu = (value: number) => value / (1 + Math.exp(-value));
    expectClose(
      out,
      product.map((value, i) => value * silu(gate[i]!)),
      F32_TOLERANCE,
    );
  });

  test("writes its rows of a wider output, and nothing else", async () => {
    const stride = 200;
    const out = await runMat(device, {
      ...base,
      out: new Float32Array(stride * tokens).fill(NaN),
      outputStride: stride,
      outputRow: 30,
    });
    const written = out.filter((_, i) => i % stride >= 30 && i % stride < 30 + rows);
    expectClose(written, product, F32_TOLERANCE);
    expect(out.filter(Number.isNaN).length).toBe((stride - rows) * tokens);
  });

  test.each([69, 71])("an odd number of rows, %d, does not touch the next row", async (odd) => {
    const oddShape = { ...shape, rows: odd };
    const other = randomWeights(device, "Q8_0", oddShape);
    const out = await runMat(device, {
      ...base,
      weights: other.weights,
      out: new Float32Array((odd + 1) * tokens).fill(NaN),
      outputStride: odd + 1,
    });
    const written = out.filter((_, i) => i % (odd + 1) < odd);
    expectClose(written, matReference(other.plain, x, oddShape), F32_TOLERANCE);
    expect(out.filter(Number.isNaN).length).toBe(tokens);
  });

  test.each([2, 16, 64])("a tensor in parts of %d rows", async (partRows) => {
    const split = randomWeights(device, "Q4_1", shape, partRows);
    expect(split.weights.parts.length).toBe(Math.ceil(rows / partRows));
    const out = await runMat(device, {
      ...base,
      weights: split.weights,
      out: new Float32Array(rows * tokens).fill(NaN),
      outputStride: rows,
    });
    expectClose(out, product, F32_TOLERANCE);
  });
});

describe.each(["float", "int8"] as const)("tiles of %s", (activations) => {
  test.each([1, 2])("%d slices add to the existing output", async (slices) => {
    const odd = { ...shape, rows: 69, tokens: 35 };
    const { weights, plain } = randomWeights(device, "Q4_1", odd);
    const { x, input } = inputOf(activations, odd.tokens);
    const before = randomF32(odd.rows * odd.tokens, 5);
    const out = await runMat(device, {
      ...{ weights, input, tokens: odd.tokens, variant: { kind: "tile", size: 32, slices } },
      ...{ epilogue: EPILOGUES.add, out: before, outputStride: odd.rows },
    });
    const expected = matReference(plain, x, odd).map((value, i) => value + before[i]!);
    expectClose(out, expected, F32_TOLERANCE);
  });
});

test("a custom epilogue receives pairs of rows", async () => {
  const swap: MatEpilogue = {
    name: "swap",
    wgsl: `
@group(0) @binding(6) var<storage, read_write> out: array<f32>;
fn store_pair(token: u32, row: u32, a: f32, b: f32) {
  out[token * shape.stride + row] = b;
  out[token * shape.stride + row + 1u] = a;
}`,
  };
  const { weights, plain } = randomWeights(device, "Q4_0", shape);
  const x = randomF32(shape.tokens * shape.columns, 2);
  const out = await runMat(device, {
    weights,
    input: { kind: "float", x: upload(device, x) },
    tokens: shape.tokens,
    variant: kinds[0]!.variant,
    epilogue: swap,
    out: new Float32Array(shape.rows * shape.tokens).fill(NaN),
    outputStride: shape.rows,
  });
  const expected = matReference(plain, x, shape).map((_, i, all) => all[i ^ 1]!);
  expectClose(out, expected, F32_TOLERANCE);
});

test("rows from several tensors, in chunks: concatenated, and interleaved", async () => {
  const columns = 64, format = "Q5_0"; // prettier-ignore
  const random = randomSource(9);
  const [a, b, c] = [6, 4, 4].map((rows) => randomBlocks(format, rows * columns, random)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const weights = createWeights(device, format, 14, columns, 10);
  const half = rowBytes(format, columns) * 3;
  writeRows(device, weights, 3, [a.subarray(half)]);
  writeRows(device, weights, 0, [a.subarray(0, half)]);
  writeRows(device, weights, 6, [b, c]);
  const plain = [a, b, c].map((bytes) => dequantize(format, bytes)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const rows = Array.from({ length: 4 }, (_, i) =>
    [1, 2].map((t) => plain[t as 1 | 2].subarray(i * columns, (i + 1) * columns)),
  );
  const joined = Float32Array.from([plain[0], ...rows.flat()].flatMap((part) => [...part]));
  const x = randomF32(columns, 4);
  const out = await runMat(device, {
    weights,
    input: { kind: "float", x: upload(device, x) },
    tokens: 1,
    variant: kinds[0]!.variant,
    out: new Float32Array(14).fill(NaN),
    outputStride: 14,
  });
  expectClose(out, matReference(joined, x, { rows: 14, columns, tokens: 1 }), F32_TOLERANCE);
});

test("one plan serves any number of tokens, with the chosen variant", async () => {
  const { weights, plain } = randomWeights(device, "Q4_1", shape);
  const x = randomF32(shape.columns * 33, 8);
  const out = upload(device, { output: shape.rows * 33 });
  const step = upload(device, new Uint32Array(4), GPUBufferUsage.UNIFORM);
  const [threads, split, tile] = kinds.map(({ variant }) => variant) as [
    MatVariant,
    MatVariant,
    MatVariant,
  ];
  const plan = await planMat(
    device,
    {
      weights,
      step,
      x: { kind: "float", x: upload(device, x) },
      epilogue: EPILOGUES.store,
      epilogueBuffers: [out],
      outputStride: shape.rows,
    },
    byTokens(threads, split, tile),
  );
  for (const tokens of [1, 4, 33, 2]) {
    device.queue.writeBuffer(step, 0, new Uint32Array([tokens]));
    device.queue.writeBuffer(out, 0, new Float32Array(shape.rows * 33).fill(NaN));
    const result = await record(device, out, (pass) => {
      expect(plan.record(pass, tokens)).toBe(1);
    });
    const expected = matReference(plain, x, { ...shape, tokens });
    expectClose(result.subarray(0, expected.length), expected, F32_TOLERANCE);
    expect(result.filter(Number.isNaN).length).toBe(shape.rows * (33 - tokens));
  }
});
