/** Every variant, with float activations, against dequantize-then-multiply in f64. */
import { describe, expect, test } from "vitest";
import { BLOCK_FORMATS, type BlockFormat } from "../../src/tensor/block-format.ts";
import { matReference } from "../../src/kernels/matmul/mat-reference.ts";
import {
  variantName,
  workgroupTile,
  type MatVariant,
  type Workload,
} from "../../src/kernels/matmul/mat-variant.ts";
import { upload } from "../../src/kernels/core/upload.ts";
import { testDevice } from "../../tools/gpu/device.ts";
import { expectClose } from "../../tools/gpu/expect-close.ts";
import { candidatesOf, randomWeights, runMat } from "../../tools/gpu/mat.ts";
import { randomF32 } from "../../tools/gpu/random.ts";
import { F32_TOLERANCE } from "../../tools/gpu/tolerances.ts";

const device = await testDevice();
const formats = Object.keys(BLOCK_FORMATS) as BlockFormat[];
const workloads: Workload[] = ["decode", "batch", "prefill"];
const variants: MatVariant[] = candidatesOf(device, workloads, "float");
/** The name without the numbers, which only say how often loops are unrolled. */
const textOf = (variant: MatVariant) => variantName(variant).replaceAll(/\d+x\d+|wg\d+| k\d+/g, "");
/** The smallest variant of each text: all formats run on these. */
const texts = [...new Set(variants.map(textOf))].map((text) =>
  variants
    .filter((variant) => textOf(variant) === text)
    .reduce((a, b) => (workgroupTile(a).tokens < workgroupTile(b).tokens ? a : b)),
);

async function check(
  variant: MatVariant,
  format: BlockFormat,
  rows: number,
  columns: number,
  tokens: number,
) {
  const shape = { rows, columns, tokens };
  const { weights, plain } = randomWeights(device, format, shape);
  const x = randomF32(tokens * columns, 7);
  const out = await runMat(device, {
    weights,
    input: { kind: "float", x: upload(device, x) },
    tokens,
    variant,
    out: new Float32Array(tokens * rows).fill(NaN),
    outputStride: rows,
  });
  expectClose(out, matReference(plain, x, shape), F32_TOLERANCE);
}

const named = (list: readonly MatVariant[]) =>
  list.map((variant) => ({ name: variantName(variant), variant }));

describe.each(named(texts))("every format with $name", ({ variant }) => {
  test.each(formats)("%s", async (format) => {
    await check(variant, format, 37, 512, workgroupTile(variant).tokens + 1);
  });
});

describe.each(named(variants))("$name", ({ variant }) => {
  test.each([
    [1, 32, 1],
    [2, 96, 2],
    [63, 64, 5],
    [64, 576, 1],
    [65, 32, 9],
    [300, 64, 33],
  ])("Q4_1, %d rows, %d columns, %d tokens", async (rows, columns, tokens) => {
    await check(variant, "Q4_1", rows, columns, tokens);
  });
});

test("there are variants of each kind that this device can run", () => {
  const kinds = [
    "threads",
    "tile",
    "split",
    ...(device.features.has("subgroups") ? ["subgroups"] : []),
  ];
  expect(new Set(variants.map(({ kind }) => kind))).toEqual(new Set(kinds));
});
