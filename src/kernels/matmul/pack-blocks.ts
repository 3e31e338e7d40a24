/**
 * How the blocks of each GGUF format become the two planes of `weights.ts`. Pure.
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
import { type BlockFormat, float16ToNumber } from "../../tensor/index.ts";

/**
 * Packs a row of `blocks` GGUF blocks that start at half word `at` of `from`; quants go to word `to`
 * and on, meta words to `word`. A load runs these loops over every byte of a model, so they move
 * whole words (little-endian, as in the file): 0.5 to 1.1 ns per byte, where single bytes took 1.5 to 7.5.
 */
type Pack = (
  from: Uint16Array,
  at: number,
  blocks: number,
  quants: Uint32Array,
  to: number,
  meta: Uint32Array,
  word: number,
) => void;

const u32 = (from: Uint16Array, at: number) => from[at]! | (from[at + 1]! << 16);

function copyFour(from: Uint16Array, at: number, to: Uint32Array, start: number): void {
  to[start] = u32(from, at);
  to[start + 1] = u32(from, at + 2);
  to[start + 2] = u32(from, at + 4);
  to[start + 3] = u32(from, at + 6);
}

/** The block's f16 into half of the word that it shares with its neighbor. */
function putHalf(meta: Uint32Array, word: number, block: number, bits: number): void {
  meta[word] = meta[word]! | (bits << ((block & 1) * 16));
}

/** Null for formats that are stored as they are. */
export const PACK: Record<BlockFormat, Pack | null> = {
  F32: null,
  F16: null,
  BF16: null,
  Q8_0: halfScale(8),
  Q4_0: halfScale(4),
  Q4_1(from, at, blocks, quants, to, meta, word) {
    for (let b = 0; b < blocks; b++, at += 10, to += 4) {
      meta[word + b] = u32(from, at);
      copyFour(from, at + 2, quants, to);
    }
  },
  Q5_0(from, at, blocks, quants, to, meta, word) {
    for (let b = 0; b < blocks; b++, at += 11, to += 4) {
      const pair = word + (b >> 1) * 3;
      putHalf(meta, pair, b, from[at]!);
      meta[pair + 1 + (b & 1)] = fifthBits(u32(from, at + 1));
      copyFour(from, at + 3, quants, to);
    }
  },
  Q5_1(from, at, blocks, quants, to, meta, word) {
    for (let b = 0; b < blocks; b++, at += 12, to += 4) {
      meta[word + 2 * b] = u32(from, at);
      meta[word + 2 * b + 1] = fifthBits(u32(from, at + 2));
      copyFour(from, at + 4, quants, to);
    }
  },
  Q4_K(from, at, blocks, quants, to, meta, word) {
    for (let b = 0; b < blocks; b++, at += 72, to += 32) {
      copyFour(from, at, meta, word + 4 * b);
      superNibbles(from, at + 8, quants, to);
    }
  },
  Q5_K(from, at, blocks, quants, to, meta, word) {
    for (let b = 0; b < blocks; b++, at += 88, to += 32) {
      const start = word + 12 * b;
      copyFour(from, at, meta, start);
      copyFour(from, at + 8, meta, start + 4);
      copyFour(from, at + 16, meta, start + 8);
      transposeBits(meta, start + 4);
      superNibbles(from, at + 24, quants, to);
    }
  },
  Q6_K(from, at, blocks, quants, to, meta, word) {
    const floats = new Float32Array(meta.buffer, meta.byteOffset, meta.length);
    for (let b = 0; b < blocks; b++, at += 105, to += 32) {
      const start = word + 21 * b;
      floats[start] = float16ToNumber(from[at + 104]!);
      copyFour(from, at + 96, meta, start + 1);
      lowNibbles(from, at, quants, to);
      highPairs(from, at + 64, meta, start + 5);
    }
  },
};

/** Formats of one f16 scale and `words` words of quants. */
function halfScale(words: number): Pack {
  const halves = 1 + 2 * words;
  return (from, at, blocks, quants, to, meta, word) => {
    for (let b = 0; b < blocks; b++, at += halves, to += words) {
      putHalf(meta, word + (b >> 1), b, from[at]!);
      for (let i = 0; i < words; i += 4) copyFour(from, at + 1 + 2 * i, quants, to + i);
    }
  };
}

/** For each byte: bit i to bit 8 (i % 4) + floor(i / 4). */
const SPREAD_BITS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let out = 0;
  for (let i = 0; i < 8; i++) out |= ((byte >> i) & 1) << (8 * (i & 3) + (i >> 2));
  return out;
});

/** Bit e of `bits` (element e) goes to bit 8 (e % 4) + floor(e / 4). */
function fifthBits(bits: number): number {
  return (
    SPREAD_BITS[bits & 255]! |
    (SPREAD_BITS[(bits >>> 8) & 255]! << 2) |
    (SPREAD_BITS[(bits >>> 16) & 255]! << 4) |
    (SPREAD_BITS[bits >>> 24]! << 6)
  );
}

/** Exchanges the bits of word `b` in `mask` with those `shift` higher in word `a`. */
function swapBits(words: Uint32Array, a: number, b: number, shift: number, mask: number): void {
  const difference = ((words[a]! >>> shift) ^ words[b]!) & mask;
  words[b] = words[b]! ^ difference;
  words[a] = words[a]! ^ (difference << shift);
}

/** Eight words at `at`: in each byte lane, bit i of word k becomes bit k of word i. */
function transposeBits(words: Uint32Array, at: number): void {
  for (let k = 0; k < 8; k += 2) swapBits(words, at + k, at + k + 1, 1, 0x55555555);
  for (let k = 0; k < 8; k += k & 1 ? 3 : 1) swapBits(words, at + k, at + k + 2, 2, 0x33333333);
  for (let k = 0; k < 4; k++) swapBits(words, at + k, at + k + 4, 4, 0x0f0f0f0f);
}

const LOW = 0x0f0f0f0f;

/** 64 elements in 8 words: the low halves become a block in Q4_1's order at `low`, the high ones at `high`. */
function nibbles(
  from: Uint16Array,
  at: number,
  quants: Uint32Array,
  low: number,
  high: number,
): void {
  for (let j = 0; j < 4; j++) {
    const a = u32(from, at + 2 * j), b = u32(from, at + 8 + 2 * j); // prettier-ignore
    quants[low + j] = (a & LOW) | ((b & LOW) << 4);
    quants[high + j] = ((a >>> 4) & LOW) | (b & ~LOW);
  }
}

/** The quants of Q4_K and Q5_K. */
function superNibbles(from: Uint16Array, at: number, quants: Uint32Array, to: number): void {
  for (let i = 0; i < 4; i++) nibbles(from, at + 16 * i, quants, to + 8 * i, to + 8 * i + 4);
}

/** The low four bits of a Q6_K block: its quarters 0 and 2 share 8 words, and so do 1 and 3. */
function lowNibbles(from: Uint16Array, at: number, quants: Uint32Array, to: number): void {
  for (let i = 0; i < 4; i++) {
    const low = to + (i >> 1) * 16 + (i & 1) * 4;
    nibbles(from, at + 16 * i, quants, low, low + 8);
  }
}

/** The high two bits of a Q6_K block, minus 32: two words for each of the eight sub-blocks. */
function highPairs(from: Uint16Array, at: number, meta: Uint32Array, word: number): void {
  for (let part = 0; part < 4; part++, at += 8) {
    // Four words have, in each byte, two bits for each quarter; each quarter gets a word of them.
    let w0 = u32(from, at), w1 = u32(from, at + 2), w2 = u32(from, at + 4), w3 = u32(from, at + 6); // prettier-ignore
    let t = ((w0 >>> 2) ^ w1) & 0x33333333;
    w1 ^= t;
    w0 ^= t << 2;
    t = ((w2 >>> 2) ^ w3) & 0x33333333;
    w3 ^= t;
    w2 ^= t << 2;
    t = ((w0 >>> 4) ^ w2) & LOW;
    w2 ^= t;
    w0 ^= t << 4;
    t = ((w1 >>> 4) ^ w3) & LOW;
    w3 ^= t;
    w1 ^= t << 4;
    const start = word + (part >> 1) * 8 + (part & 1);
    meta[start] = w0 ^ SIGN_PAIRS;
    meta[start + 2] = w1 ^ SIGN_PAIRS;
    meta[start + 4] = w2 ^ SIGN_PAIRS;
    meta[start + 6] = w3 ^ SIGN_PAIRS;
  }
}

/** Subtracting 32 from six bits, mod 64, turns the upper of the two high bits. */
const SIGN_PAIRS = 0xaaaaaaaa;
