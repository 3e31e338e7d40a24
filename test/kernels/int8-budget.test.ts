/**
 * Rounding activations to int8 costs a product of each block format at most as much as llama.cpp's own
 * rounding does, against f64 sums. The kernels agree with this rounding (mat-int8.browser.test.ts), and
 * whole models stay within the same budget (test/engine/error-budget.browser.test.ts).
 */
import { describe, expect, test } from "vitest";
import { acceptsInt8 } from "../../src/kernels/matmul/mat-variant.ts";
import { quantizeReference } from "../../src/kernels/matmul/quantize-rows.ts";
import { BLOCK_FORMATS, type BlockFormat } from "../../src/tensor/block-format.ts";
import { dequantize } from "../../src/tensor/dequantize.ts";
import { float16ToNumber, numberToFloat16 } from "../../src/tensor/float16.ts";
import { randomBlocks } from "../../src/tensor/random-blocks.ts";
import { randomSource } from "../../tools/gpu/random.ts";

const [ROWS, COLUMNS] = [256, 1024];
const FORMATS = (Object.keys(BLOCK_FORMATS) as BlockFormat[]).filter(acceptsInt8);

/**
 * Of llama.cpp's f16 scales, which are ours otherwise: with such random errors, either may be this much
 * smaller by chance.
 */
const SCALE_ROUNDING = 2 ** -11;

const f16 = (value: number) => float16ToNumber(numberToFloat16(value));

/** Blocks of 32 with one f16 scale: llama.cpp's Q8_0 and, for the quants, Q8_1. */
function roundedInBlocks(x: Float32Array): Float64Array {
  const out = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += 32) {
    const block = x.subarray(start, start + 32);
    const scale = Math.fround(Math.max(...block.map(Math.abs)) / 127);
    block.forEach((value, i) => (out[start + i] = f16(scale) * Math.round(value / scale)));
  }
  return out;
}

/** Blocks of 256 with one f32 scale, the value of the largest size at -127: llama.cpp's Q8_K. */
function roundedInLargeBlocks(x: Float32Array): Float64Array {
  const out = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += 256) {
    const block = x.subarray(start, start + 256);
    const largest = block.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
    const scale = -largest / 127;
    block.forEach(
      (value, i) => (out[start + i] = scale * Math.min(127, Math.round(value / scale))),
    );
  }
  return out;
}

function roundedByUs(x: Float32Array): Float64Array {
  const { quants, scales } = quantizeReference(x);
  return Float64Array.from(quants, (quant, i) => quant * scales[2 * Math.floor(i / 32)]!);
}

/** Of normal size with some much larger, as a model's activations are. */
function activations(random: () => number): Float32Array {
  return Float32Array.from({ length: COLUMNS }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return random() < 0.02 ? 10 * normal : normal;
  });
}

/** Root mean square over the rows of what rounding x changes in W x. */
function productError(weights: Float32Array, x: Float32Array, rounded: Float64Array): number {
  let squares = 0;
  for (let row = 0; row < ROWS; row++) {
    let error = 0;
    for (let c = 0; c < COLUMNS; c++) error += weights[row * COLUMNS + c]! * (rounded[c]! - x[c]!);
    squares += error * error;
  }
  return Math.sqrt(squares / ROWS);
}

describe.each(FORMATS)("%s", (format) => {
  test("int8 activations cost at most what they cost in llama.cpp", () => {
    const random = randomSource(11);
    const weights = dequantize(format, randomBlocks(format, ROWS * COLUMNS, random));
    const isLarge = BLOCK_FORMATS[format].weights === 256;
    const [ours, theirs] = [0, 0].map(() => [] as number[]) as [number[], number[]];
    for (let i = 0; i < 16; i++) {
      const x = activations(random);
      ours.push(productError(weights, x, roundedByUs(x)));
      theirs.push(productError(weights, x, isLarge ? roundedInLargeBlocks(x) : roundedInBlocks(x)));
    }
    expect(rms(ours)).toBeGreaterThan(0);
    expect(rms(ours)).toBeLessThanOrEqual(rms(theirs) * (1 + SCALE_ROUNDING));
  });
});

const rms = (values: readonly number[]) =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
