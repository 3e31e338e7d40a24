/**
 * Random input for an attention kernel: the last rows of a moderate context, and what some heads of
 * the result must be. All heads share one head's random keys and values.
 */
import { float16ToNumber } from "../../tensor/index.ts";
import { queryKeyValueColumns, type AttentionShape } from "./attention-shape.ts";
import { attentionReference, type AttentionVariant } from "./attention.ts";
import { splitsOf, type AttentionUse } from "./attention-variants.ts";
import { CacheReference } from "./rope.ts";
import type { StepParams } from "../core/step-uniform.ts";

/** A token of an answer, and a chunk of a prompt. */
const SIZES = {
  decode: { rows: 1, positions: 512 },
  prefill: { rows: 64, positions: 256 },
} as const;

export type RandomAttention = {
  readonly use: AttentionUse;
  readonly rows: number;
  /** Length of the context, including the rows. */
  readonly positions: number;
  /** decode: q | k | v of each row; prefill: q after rope.wgsl. */
  readonly input: Float32Array<ArrayBuffer>;
  readonly table: Float32Array<ArrayBuffer>;
  readonly extras: Float32Array<ArrayBuffer>;
  readonly keys: Uint16Array<ArrayBuffer>; // [positions, headSize] f16
  readonly values: Uint16Array<ArrayBuffer>;
};

export function randomAttention(shape: AttentionShape, use: AttentionUse): RandomAttention {
  const { heads, headSize, ropeDims, bias, headNorm, scale, segmentStarts } = shape;
  const positions = Math.min(SIZES[use].positions, segmentStarts.at(-1)!);
  const rows = Math.min(SIZES[use].rows, positions);
  const columns = queryKeyValueColumns(shape);
  const width = use === "decode" ? columns : heads * headSize;
  const size = use === "decode" ? 1 : scale;
  return {
    use,
    rows,
    positions,
    input: randomFloats(rows * width, size),
    table: randomFloats(positions * ropeDims),
    extras: randomFloats((bias ? columns : 0) + (headNorm ? 2 * headSize : 0)),
    keys: randomFloat16(positions * headSize),
    values: randomFloat16(positions * headSize),
  };
}

/** A step of the last rows, its positions split as the engine splits them for the kernel. */
export function lastRowsStep(
  variant: AttentionVariant,
  { rows, positions }: Pick<RandomAttention, "rows" | "positions">,
): StepParams {
  const first = positions - rows;
  return {
    rows: Array.from({ length: rows }, (_, i) => ({ sequence: 0, position: first + i, token: 0 })),
    samples: [],
    ...splitsOf(variant, rows, positions),
  };
}

/** The last head of the first and of the last row, and its byte offset in the result. */
export function expectedHeads(
  shape: AttentionShape,
  work: RandomAttention,
): { at: number; values: Float32Array }[] {
  const { heads, headSize } = shape;
  const one = work.use === "decode" ? lastHead(shape, work) : plainHead(shape, work);
  const rows = [...new Set([0, work.rows - 1])];
  const first = work.positions - work.rows;
  const params = {
    rows: rows.map((row) => ({ sequence: 0, position: first + row, token: 0 })),
    samples: [],
    splits: 1,
    splitPositions: work.positions,
  };
  const qkv = new Float32Array(rows.flatMap((row) => one.row(row)));
  const cache = cacheOf(work, headSize);
  const out = attentionReference(one.shape, { ...work, extras: one.extras, qkv }, cache, params);
  return rows.map((row, i) => ({
    at: (row * heads + heads - 1) * headSize * 4,
    values: out.subarray(i * headSize, (i + 1) * headSize),
  }));
}

type OneHead = {
  readonly shape: AttentionShape;
  readonly extras: Float32Array;
  /** q | k | v. */
  row(row: number): number[];
};

/** The last query head and its key head alone: the reference is slow. */
function lastHead(shape: AttentionShape, { input, extras }: RandomAttention): OneHead {
  const { heads, keyValueHeads, headSize, bias } = shape;
  const columns = queryKeyValueColumns(shape);
  const alone = (row: Float32Array) =>
    [heads, heads + keyValueHeads, heads + 2 * keyValueHeads].flatMap((end) => [
      ...row.subarray((end - 1) * headSize, end * headSize),
    ]);
  const norms = extras.subarray(bias ? columns : 0);
  return {
    shape: { ...shape, heads: 1, keyValueHeads: 1 },
    extras: Float32Array.from([...(bias ? alone(extras) : []), ...norms]),
    row: (row) => alone(input.subarray(row * columns, (row + 1) * columns)),
  };
}

/** The same for rows whose queries are rotated and whose keys are in the cache. */
function plainHead(
  shape: AttentionShape,
  { input, keys, values, rows, positions }: RandomAttention,
): OneHead {
  const { heads, headSize } = shape;
  const done = { heads: 1, keyValueHeads: 1, ropeDims: 0, scale: 1, bias: false, headNorm: false };
  return {
    shape: { ...shape, ...done },
    extras: new Float32Array(),
    row(row) {
      const at = (row * heads + heads - 1) * headSize;
      const position = positions - rows + row;
      return [
        ...input.subarray(at, at + headSize),
        ...numbersAt(keys, position, headSize),
        ...numbersAt(values, position, headSize),
      ];
    },
  };
}

function cacheOf({ positions, keys, values }: RandomAttention, headSize: number): CacheReference {
  const cache = new CacheReference();
  for (let position = 0; position < positions; position++) {
    cache.write(0, 0, "k", position, numbersAt(keys, position, headSize));
    cache.write(0, 0, "v", position, numbersAt(values, position, headSize));
  }
  return cache;
}

const numbersAt = (numbers: Uint16Array, position: number, headSize: number) =>
  Array.from(numbers.subarray(position * headSize, (position + 1) * headSize), float16ToNumber);

const randomFloats = (count: number, size = 1) =>
  Float32Array.from({ length: count }, () => (Math.random() * 2 - 1) * size);

/** Of either sign, from a half to 1: none may be flushed to zero. */
const randomFloat16 = (count: number) =>
  Uint16Array.from({ length: count }, () => 0x3800 | ((Math.random() * 0x10000) & 0x83ff));
