/**
 * Weights as plain numbers: the reference of every block format.
 *
 * The f32 operations and their order are llama.cpp's (ggml-quants.c), so that the results agree bit for
 * bit with its golden bytes. Deliberately slow and plain: the kernels are tested against it.
 * Legend: d scale, m minimum, q quant.
 */
import { BLOCK_FORMATS, type BlockFormat } from "./block-format.ts";
import { bfloat16ToNumber, float16ToNumber } from "./float16.ts";

const f32 = Math.fround;

/** The weights in `bytes` (whole blocks), in the order of the file. */
export function dequantize(format: BlockFormat, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const block = BLOCK_FORMATS[format];
  if (bytes.length % block.bytes !== 0) {
    throw new RangeError(`${bytes.length} bytes are not whole ${format} blocks of ${block.bytes}`);
  }
  const count = bytes.length / block.bytes;
  const out = new Float32Array(count * block.weights);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < count; i++) {
    const weights = out.subarray(i * block.weights, (i + 1) * block.weights);
    DEQUANTIZE[format](new Block(view, i * block.bytes), weights);
  }
  return out;
}

/** Little-endian reads from one block. */
class Block {
  readonly #view: DataView;
  readonly #start: number;
  constructor(view: DataView, start: number) {
    this.#view = view;
    this.#start = start;
  }
  u8 = (offset: number) => this.#view.getUint8(this.#start + offset);
  i8 = (offset: number) => this.#view.getInt8(this.#start + offset);
  u16 = (offset: number) => this.#view.getUint16(this.#start + offset, true);
  u32 = (offset: number) => this.#view.getUint32(this.#start + offset, true);
  f16 = (offset: number) => float16ToNumber(this.u16(offset));
  f32 = (offset: number) => this.#view.getFloat32(this.#start + offset, true);
}

type Dequantize = (block: Block, out: Float32Array) => void;

const DEQUANTIZE: Record<BlockFormat, Dequantize> = {
  F32: (block, out) => void (out[0] = block.f32(0)),
  F16: (block, out) => void (out[0] = block.f16(0)),
  BF16: (block, out) => void (out[0] = bfloat16ToNumber(block.u16(0))),
  Q8_0(block, out) {
    const d = block.f16(0);
    for (let j = 0; j < 32; j++) out[j] = f32(d * block.i8(2 + j));
  },
  Q4_0(block, out) {
    const d = block.f16(0);
    for (let j = 0; j < 32; j++) out[j] = f32(d * (nibble(block, 2, j) - 8));
  },
  Q4_1(block, out) {
    const d = block.f16(0), m = block.f16(2); // prettier-ignore
    for (let j = 0; j < 32; j++) out[j] = f32(f32(d * nibble(block, 4, j)) + m);
  },
  Q5_0(block, out) {
    const d = block.f16(0), high = block.u32(2); // prettier-ignore
    for (let j = 0; j < 32; j++) out[j] = f32(d * ((nibble(block, 6, j) | fifthBit(high, j)) - 16));
  },
  Q5_1(block, out) {
    const d = block.f16(0), m = block.f16(2), high = block.u32(4); // prettier-ignore
    for (let j = 0; j < 32; j++) {
      out[j] = f32(f32(d * (nibble(block, 8, j) | fifthBit(high, j))) + m);
    }
  },
  Q4_K(block, out) {
    for (let j = 0; j < 256; j++) {
      const sub = j >> 5;
      const byte = block.u8(16 + (sub >> 1) * 32 + (j & 31));
      out[j] = affine(block, sub, sub & 1 ? byte >> 4 : byte & 15);
    }
  },
  Q5_K(block, out) {
    for (let j = 0; j < 256; j++) {
      const sub = j >> 5;
      const byte = block.u8(48 + (sub >> 1) * 32 + (j & 31));
      const high = (block.u8(16 + (j & 31)) >> sub) & 1;
      out[j] = affine(block, sub, (sub & 1 ? byte >> 4 : byte & 15) | (high << 4));
    }
  },
  Q6_K(block, out) {
    const d = block.f16(208);
    for (let j = 0; j < 256; j++) {
      const half = j >> 7, quarter = (j >> 5) & 3, l = j & 31; // prettier-ignore
      const low = block.u8(half * 64 + (quarter & 1) * 32 + l);
      const high = (block.u8(128 + half * 32 + l) >> (2 * quarter)) & 3;
      const q = ((quarter < 2 ? low & 15 : low >> 4) | (high << 4)) - 32;
      out[j] = f32(f32(d * block.i8(192 + (j >> 4))) * q);
    }
  },
};

/** 32 nibbles: element j < 16 is the low half of byte j, element j + 16 its high half. */
function nibble(block: Block, offset: number, j: number): number {
  return j < 16 ? block.u8(offset + j) & 15 : block.u8(offset + j - 16) >> 4;
}

function fifthBit(high: number, j: number): number {
  return ((high >>> j) & 1) << 4;
}

/** d * scale * q - dmin * min of a K-quant's sub-block. */
function affine(block: Block, sub: number, q: number): number {
  const { scale, min } = sixBitPair(block, sub);
  return f32(f32(f32(block.f16(0) * scale) * q) - f32(block.f16(2) * min));
}

/** Six-bit scale and minimum of sub-block `sub`, packed in bytes 4 to 15. */
function sixBitPair(block: Block, sub: number): { scale: number; min: number } {
  const s = (index: number) => block.u8(4 + index);
  if (sub < 4) return { scale: s(sub) & 63, min: s(sub + 4) & 63 };
  return {
    scale: (s(sub + 4) & 15) | ((s(sub - 4) >> 6) << 4),
    min: (s(sub + 4) >> 4) | ((s(sub) >> 6) << 4),
  };
}
