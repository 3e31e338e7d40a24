/**
 * GGUF blocks into the two planes of `weights.ts`, on the CPU. Pure.
 *
 * The meta words of a row, by format:
 *
 *   Q8_0, Q4_0   one f16 d a block, two to a word
 *   Q4_1         (d, m) as two f16, one word a block
 *   Q5_0         for two blocks: their two d, the fifth bits of each
 *   Q5_1         (d, m), fifth bits
 *   Q4_K         for 8 blocks: (d, dmin), the 12 bytes of six-bit scales
 *   Q5_K         the same 4 words, then the fifth bits of each of the 8 blocks
 *   Q6_K         for 8 blocks: d as f32, 16 int8 scales, two words of high bits a block
 *   F32, F16, BF16  none
 *
 * Bits are ordered for whole words: with elements in eight groups of four, the
 * fifth bit of element i of group k is bit 8 i + k; the two high bits of element
 * i of group k are bits 8 i + 2 (k % 4) of word floor(k / 4). Q6_K's quants are
 * stored as q - 32 in two's complement.
 */
import { BLOCK_FORMATS, rowBytes, type BlockFormat, float16ToNumber } from "../../tensor/index.ts";

export const BLOCK = 32;

export type PackedRow = { readonly quantBytes: number; readonly metaWords: number };

const BITS: Record<BlockFormat, number> = {
  F32: 32,
  F16: 16,
  BF16: 16,
  Q8_0: 8,
  Q4_0: 4,
  Q4_1: 4,
  Q5_0: 4,
  Q5_1: 4,
  Q4_K: 4,
  Q5_K: 4,
  Q6_K: 4,
};

/** vec4<u32> of the quants plane in a block of 32. */
export function vectorsPerBlock(format: BlockFormat): number {
  return (BITS[format] * BLOCK) / 128;
}

const META_WORDS: Record<BlockFormat, (blocks: number) => number> = {
  F32: () => 0,
  F16: () => 0,
  BF16: () => 0,
  Q8_0: (blocks) => Math.ceil(blocks / 2),
  Q4_0: (blocks) => Math.ceil(blocks / 2),
  Q4_1: (blocks) => blocks,
  Q5_0: (blocks) => 3 * Math.ceil(blocks / 2),
  Q5_1: (blocks) => 2 * blocks,
  Q4_K: (blocks) => blocks / 2,
  Q5_K: (blocks) => (blocks * 3) / 2,
  Q6_K: (blocks) => (blocks * 21) / 8,
};

/** Sizes of one row. Throws unless the row is whole blocks of 32. */
export function packedRow(format: BlockFormat, columns: number): PackedRow {
  rowBytes(format, columns);
  if (columns % BLOCK !== 0) {
    throw new RangeError(
      `a matrix has ${columns} columns; the kernels need a multiple of ${BLOCK}`,
    );
  }
  const blocks = columns / BLOCK;
  return {
    quantBytes: blocks * 16 * vectorsPerBlock(format),
    metaWords: META_WORDS[format](blocks),
  };
}

/** Packs whole rows; with several sources, rows alternate between them. */
export function packRows(
  format: BlockFormat,
  columns: number,
  sources: readonly Uint8Array[],
): { quants: Uint8Array<ArrayBuffer>; meta: Uint8Array<ArrayBuffer> } {
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
  const perRow = columns / BLOCK_FORMATS[format].weights;
  for (let row = 0; row < total; row++) {
    const bytes = sources[row % sources.length]!;
    const start = Math.floor(row / sources.length) * sourceRow;
    const rowQuants = quants.subarray(row * quantBytes, (row + 1) * quantBytes);
    if (pack === null) rowQuants.set(bytes.subarray(start, start + sourceRow));
    else pack(bytes, start, perRow, rowQuants, meta, row * metaWords);
  }
  return { quants, meta: new Uint8Array(meta.buffer) };
}

/** Packs a row of `blocks` GGUF blocks that start at `at`; meta words go to `word`. */
type Pack = (
  bytes: Uint8Array,
  at: number,
  blocks: number,
  quants: Uint8Array,
  meta: Uint32Array,
  word: number,
) => void;

const u16 = (bytes: Uint8Array, at: number) => bytes[at]! | (bytes[at + 1]! << 8);
const u32 = (bytes: Uint8Array, at: number) => (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0;

function copy(from: Uint8Array, at: number, to: Uint8Array, start: number, length: number): void {
  for (let i = 0; i < length; i++) to[start + i] = from[at + i]!;
}

/** The block's f16 at `at` into half of the word that it shares with its neighbor. */
function putHalf(meta: Uint32Array, word: number, block: number, bits: number): void {
  meta[word] = meta[word]! | (bits << ((block & 1) * 16));
}

const PACK: Record<BlockFormat, Pack | null> = {
  F32: null,
  F16: null,
  BF16: null,
  Q8_0: halfScale(32),
  Q4_0: halfScale(16),
  Q4_1(bytes, at, blocks, quants, meta, word) {
    for (let b = 0; b < blocks; b++, at += 20) {
      meta[word + b] = u32(bytes, at);
      copy(bytes, at + 4, quants, b * 16, 16);
    }
  },
  Q5_0(bytes, at, blocks, quants, meta, word) {
    for (let b = 0; b < blocks; b++, at += 22) {
      const pair = word + (b >> 1) * 3;
      putHalf(meta, pair, b, u16(bytes, at));
      meta[pair + 1 + (b & 1)] = fifthBits(u32(bytes, at + 2));
      copy(bytes, at + 6, quants, b * 16, 16);
    }
  },
  Q5_1(bytes, at, blocks, quants, meta, word) {
    for (let b = 0; b < blocks; b++, at += 24) {
      meta[word + 2 * b] = u32(bytes, at);
      meta[word + 2 * b + 1] = fifthBits(u32(bytes, at + 4));
      copy(bytes, at + 8, quants, b * 16, 16);
    }
  },
  Q4_K(bytes, at, blocks, quants, meta, word) {
    for (let b = 0; b < blocks; b++, at += 144) {
      for (let i = 0; i < 4; i++) meta[word + 4 * b + i] = u32(bytes, at + 4 * i);
      superNibbles(bytes, at + 16, quants, b * 128);
    }
  },
  Q5_K(bytes, at, blocks, quants, meta, word) {
    for (let b = 0; b < blocks; b++, at += 176) {
      for (let i = 0; i < 4; i++) meta[word + 12 * b + i] = u32(bytes, at + 4 * i);
      for (let sub = 0; sub < 8; sub++) {
        meta[word + 12 * b + 4 + sub] = fifthBits(gatherBits(bytes, at + 16, sub));
      }
      superNibbles(bytes, at + 48, quants, b * 128);
    }
  },
  Q6_K(bytes, at, blocks, quants, meta, word) {
    const floats = new Float32Array(meta.buffer, meta.byteOffset, meta.length);
    for (let b = 0; b < blocks; b++, at += 210) {
      const start = word + 21 * b;
      floats[start] = float16ToNumber(u16(bytes, at + 208));
      for (let i = 0; i < 4; i++) meta[start + 1 + i] = u32(bytes, at + 192 + 4 * i);
      for (let sub = 0; sub < 8; sub++) {
        sixBits(bytes, at, sub, quants, b * 128 + sub * 16, meta, start + 5 + 2 * sub);
      }
    }
  },
};

/** Formats of one f16 scale and `size` bytes of quants. */
function halfScale(size: number): Pack {
  return (bytes, at, blocks, quants, meta, word) => {
    for (let b = 0; b < blocks; b++, at += 2 + size) {
      putHalf(meta, word + (b >> 1), b, u16(bytes, at));
      copy(bytes, at + 2, quants, b * size, size);
    }
  };
}

/** Bit e of `bits` (element e) goes to bit 8 (e % 4) + floor(e / 4). */
function fifthBits(bits: number): number {
  let out = 0;
  for (let e = 0; e < 32; e++) out |= ((bits >>> e) & 1) << (8 * (e & 3) + (e >> 2));
  return out >>> 0;
}

/** Bit `sub` of each of 32 bytes, as one word. */
function gatherBits(bytes: Uint8Array, at: number, sub: number): number {
  let out = 0;
  for (let e = 0; e < 32; e++) out |= ((bytes[at + e]! >> sub) & 1) << e;
  return out >>> 0;
}

/** A K-quant's 128 bytes (64 elements in each 32 bytes) as eight blocks in Q4_1's order. */
function superNibbles(bytes: Uint8Array, at: number, quants: Uint8Array, start: number): void {
  for (let chunk = 0; chunk < 4; chunk++) {
    const from = at + chunk * 32, to = start + chunk * 32; // prettier-ignore
    for (let j = 0; j < 16; j++) {
      const a = bytes[from + j]!, b = bytes[from + j + 16]!; // prettier-ignore
      quants[to + j] = (a & 15) | ((b & 15) << 4);
      quants[to + 16 + j] = (a >> 4) | (b & 0xf0);
    }
  }
}

/** Sub-block `sub` of a Q6_K block: q - 32 in two's complement, low and high bits apart. */
function sixBits(
  bytes: Uint8Array,
  at: number,
  sub: number,
  quants: Uint8Array,
  start: number,
  meta: Uint32Array,
  word: number,
): void {
  const half = sub >> 2, quarter = sub & 3; // prettier-ignore
  const low = at + half * 64 + (quarter & 1) * 32;
  const high = at + 128 + half * 32;
  for (let e = 0; e < 32; e++) {
    const lowBits = quarter < 2 ? bytes[low + e]! & 15 : bytes[low + e]! >> 4;
    const q = (lowBits | (((bytes[high + e]! >> (2 * quarter)) & 3) << 4)) ^ 32; // q - 32, mod 64
    const group = e >> 2;
    quants[start + (e & 15)] = quants[start + (e & 15)]! | ((q & 15) << (e < 16 ? 0 : 4));
    const target = word + (group >> 2);
    meta[target] = meta[target]! | ((q >> 4) << (8 * (e & 3) + 2 * (group & 3)));
  }
}
