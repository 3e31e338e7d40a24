/**
 * GGUF blocks into the two planes of `weights.ts`, on the CPU. Pure.
 *
 * `pack-blocks.ts` has the formats.
 */
import { BLOCK_FORMATS, rowBytes, type BlockFormat } from "../../tensor/index.ts";
import { PACK } from "./pack-blocks.ts";

export const BLOCK = 32;

/** Rows of the two planes. */
export type PackedRows = {
  readonly quants: Uint8Array<ArrayBuffer>;
  readonly meta: Uint8Array<ArrayBuffer>;
};

/** Bits of a weight in the quants plane, and meta words of so many blocks in a row (pack-blocks.ts). */
type Layout = { readonly bits: number; readonly metaWords: (blocks: number) => number };

const whole = (bits: number): Layout => ({ bits, metaWords: () => 0 });
const perPair = (bits: number, words: number): Layout => ({
  bits,
  metaWords: (blocks) => words * Math.ceil(blocks / 2),
});
const perBlock = (words: number): Layout => ({ bits: 4, metaWords: (blocks) => words * blocks });

const LAYOUTS: Record<BlockFormat, Layout> = {
  F32: whole(32),
  F16: whole(16),
  BF16: whole(16),
  Q8_0: perPair(8, 1),
  Q4_0: perPair(4, 1),
  Q4_1: perBlock(1),
  Q5_0: perPair(4, 3),
  Q5_1: perBlock(2),
  Q4_K: perBlock(4 / 8),
  Q5_K: perBlock(12 / 8),
  Q6_K: perBlock(21 / 8),
};

/** vec4<u32> of the quants plane in a block of 32. */
export const vectorsPerBlock = (format: BlockFormat) => (LAYOUTS[format].bits * BLOCK) / 128;

/** Sizes of one row. Throws unless the row is whole blocks of 32. */
export function packedRow(format: BlockFormat, columns: number) {
  rowBytes(format, columns);
  if (columns % BLOCK !== 0) {
    throw new RangeError(
      `a matrix has ${columns} columns; the kernels need a multiple of ${BLOCK}`,
    );
  }
  const blocks = columns / BLOCK;
  return {
    quantBytes: blocks * 16 * vectorsPerBlock(format),
    metaWords: LAYOUTS[format].metaWords(blocks),
  };
}

/** Packs whole rows; with several sources, rows alternate between them. */
export function packRows(
  format: BlockFormat,
  columns: number,
  sources: readonly Uint8Array[],
): PackedRows {
  const { quantBytes, metaWords } = packedRow(format, columns);
  const sourceRow = rowBytes(format, columns);
  const rows = sources[0]!.length / sourceRow;
  for (const { length } of sources) {
    if (!Number.isInteger(rows) || length !== sources[0]!.length) {
      throw new RangeError(`${length} bytes are not ${rows} whole ${format} rows of ${sourceRow}`);
    }
  }
  const total = rows * sources.length;
  const quants = new Uint8Array(total * quantBytes);
  const meta = new Uint32Array(total * metaWords);
  const pack = PACK[format];
  if (pack === null) copyRows(quants, quantBytes, sources);
  else {
    const blocks = columns / BLOCK_FORMATS[format].weights;
    const halves = sources.map(asHalves);
    const words = new Uint32Array(quants.buffer);
    for (let row = 0; row < total; row++) {
      const start = (Math.floor(row / sources.length) * sourceRow) / 2;
      const from = halves[row % sources.length]!;
      pack(from, start, blocks, words, (row * quantBytes) / 4, meta, row * metaWords);
    }
  }
  return { quants, meta: new Uint8Array(meta.buffer) };
}

function copyRows(quants: Uint8Array, rowLength: number, sources: readonly Uint8Array[]): void {
  if (sources.length === 1) return quants.set(sources[0]!);
  for (let row = 0; row * rowLength < quants.length; row++) {
    const start = Math.floor(row / sources.length) * rowLength;
    const from = sources[row % sources.length]!;
    quants.set(from.subarray(start, start + rowLength), row * rowLength);
  }
}

/** Blocks have an even number of bytes, but not always whole words. */
function asHalves(bytes: Uint8Array): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.length / 2);
}
