/**
 * Blocks of any format with random quants and realistic scales, for tests, tuning and benchmarks.
 */
import { BLOCK_FORMATS, type BlockFormat } from "./block-format.ts";
import { numberToFloat16 } from "./float16.ts";

/** Offsets of the f16 numbers in a block, and the sizes that give weights of about 0.1. */
const FLOAT16_FIELDS: Record<
  BlockFormat,
  readonly { readonly at: number; readonly size: number }[]
> = {
  F32: [],
  F16: [{ at: 0, size: 0.1 }],
  BF16: [],
  Q8_0: [{ at: 0, size: 0.001 }],
  Q4_0: [{ at: 0, size: 0.02 }],
  Q4_1: [
    { at: 0, size: 0.02 },
    { at: 2, size: -0.15 },
  ],
  Q5_0: [{ at: 0, size: 0.01 }],
  Q5_1: [
    { at: 0, size: 0.01 },
    { at: 2, size: -0.15 },
  ],
  Q4_K: [
    { at: 0, size: 0.0005 },
    { at: 2, size: 0.004 },
  ],
  Q5_K: [
    { at: 0, size: 0.00025 },
    { at: 2, size: 0.004 },
  ],
  Q6_K: [{ at: 208, size: 0.0001 }],
};

/** `weights` weights (whole blocks) from a source of uniform numbers in [0, 1). */
export function randomBlocks(
  format: BlockFormat,
  weights: number,
  random: () => number,
): Uint8Array<ArrayBuffer> {
  const block = BLOCK_FORMATS[format];
  const count = weights / block.weights;
  const bytes = new Uint8Array(count * block.bytes);
  for (let i = 0; i < bytes.length; i++) bytes[i] = random() * 256;
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) {
    const start = i * block.bytes;
    for (const { at, size } of FLOAT16_FIELDS[format]) {
      view.setUint16(start + at, numberToFloat16(size * (0.5 + random())), true);
    }
    if (format === "F16" && random() < 0.5) bytes[start + 1] = bytes[start + 1]! | 0x80;
    if (format === "F32" || format === "BF16") {
      const value = new DataView(new ArrayBuffer(4));
      value.setFloat32(0, random() * 0.2 - 0.1, true);
      const skipped = 4 - block.bytes;
      for (let j = 0; j < block.bytes; j++) bytes[start + j] = value.getUint8(skipped + j);
    }
  }
  return bytes;
}
