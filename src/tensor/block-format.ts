/**
 * GGUF's block formats: how many weights a block holds and in how many bytes.
 *
 * Layouts as in ggml-common.h (llama.cpp); little endian.
 */
export const BLOCK_FORMATS = {
  F32: { ggmlType: 0, weights: 1, bytes: 4 },
  F16: { ggmlType: 1, weights: 1, bytes: 2 },
  Q4_0: { ggmlType: 2, weights: 32, bytes: 18 },
  Q4_1: { ggmlType: 3, weights: 32, bytes: 20 },
  Q5_0: { ggmlType: 6, weights: 32, bytes: 22 },
  Q5_1: { ggmlType: 7, weights: 32, bytes: 24 },
  Q8_0: { ggmlType: 8, weights: 32, bytes: 34 },
  Q4_K: { ggmlType: 12, weights: 256, bytes: 144 },
  Q5_K: { ggmlType: 13, weights: 256, bytes: 176 },
  Q6_K: { ggmlType: 14, weights: 256, bytes: 210 },
  BF16: { ggmlType: 30, weights: 1, bytes: 2 },
} as const satisfies Record<string, BlockShape>;

export type BlockShape = {
  /** The number that a GGUF header uses for the format. */
  readonly ggmlType: number;
  readonly weights: number;
  readonly bytes: number;
};

export type BlockFormat = keyof typeof BLOCK_FORMATS;

/** Bytes of a row of `columns` weights; `columns` must be whole blocks. */
export function rowBytes(format: BlockFormat, columns: number): number {
  const { weights, bytes } = BLOCK_FORMATS[format];
  if (columns % weights !== 0) {
    throw new RangeError(`${format} rows hold whole blocks of ${weights}, not ${columns} weights`);
  }
  return (columns / weights) * bytes;
}
