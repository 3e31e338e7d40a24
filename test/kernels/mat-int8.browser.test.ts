/**
 * Integer products, twice: exactly (to f32) against the rounded activations, and
 * within the tolerance of the rounding against the float product.
 */
import { describe, test } from "vitest";
import { BLOCK_FORMATS, type BlockFormat } from "../../src/tensor/block-format.ts";
import {
  acceptsInt8,
  hasNibbles,
  variantName,
  workgroupTile,
  type MatVariant,
} from "../../src/kernels/matmul/mat-variant.ts";
import { matReference } from "../../src/kernels/matmul/mat-reference.ts";
import { quantizeReference } from "../../src/kernels/matmul/quantize-rows.ts";
import { upload } from "../../src/kernels/core/upload.ts";
import { testDevice } from "../../tools/gpu/device.ts";
import { expectClose } from "../../tools/gpu/expect-close.ts";
import { candidatesOf, randomWeights, runMat } from "../../tools/gpu/mat.ts";
import { randomF32 } from "../../tools/gpu/random.ts";
import { F32_TOLERANCE, INT8_ACTIVATION_TOLERANCE } from "../../tools/gpu/tolerances.ts";

const device = await testDevice();
const formats = (Object.keys(BLOCK_FORMATS) as BlockFormat[]).filter(acceptsInt8);
const variants = candidatesOf(device, ["decode", "batch", "prefill"], "int8");

/** Pairs of products need weights of four bits. */
const runs = (variant: MatVariant, format: BlockFormat) =>
  hasNibbles(format) || variant.kind !== "threads" || variant.inner !== "pairs";

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
  const { quants, scales } = quantizeReference(x);
  const out = await runMat(device, {
    weights,
    input: {
      kind: "int8",
      x: upload(device, new Uint8Array(quants.buffer)),
      scales: upload(device, Float32Array.from(scales)),
    },
    tokens,
    variant,
    out: new Float32Array(tokens * rows).fill(NaN),
    outputStride: rows,
  });
  const rounded = x.map((_, i) => quants[i]! * scales[(i >> 5) * 2]!);
  expectClose(out, matReference(plain, rounded, shape), F32_TOLERANCE);
  // The tolerance of rounding is for the results of a few tokens; among thousands some are further off.
  const few = { ...shape, tokens: Math.min(tokens, 9) };
  const unrounded = matReference(plain, x, few);
  expectClose(out.subarray(0, unrounded.length), unrounded, INT8_ACTIVATION_TOLERANCE);
}

const named = (list: readonly MatVariant[]) =>
  list.map((variant) => ({ name: variantName(variant), variant }));

/** Its formats are decoded as in any tile. */
const SLICED: MatVariant = { kind: "tile", size: 32, slices: 2 };

/** Variants that differ only in how often loops are unrolled; all formats run on one of each. */
const textOf = (variant: MatVariant) => variantName(variant).replaceAll(/\d+x\d+|wg\d+| k\d+/g, "");
const texts = [
  ...new Map(variants.toReversed().map((variant) => [textOf(variant), variant])).values(),
].map((variant) => (variant.kind === "tile" ? SLICED : variant));

describe.each(named(texts))("every format with $name", ({ variant }) => {
  test.each(formats.filter((format) => runs(variant, format)))("%s", async (format) => {
    await check(variant, format, 37, 512, workgroupTile(variant).tokens + 1);
  });
});

describe.each(named(variants))("$name", ({ variant }) => {
  test.each([
    [1, 64, 1],
    [63, 96, 5],
    [65, 576, 9],
  ])("Q4_1, %d rows, %d columns, %d tokens", async (rows, columns, tokens) => {
    await check(variant, "Q4_1", rows, columns, tokens);
  });
});
