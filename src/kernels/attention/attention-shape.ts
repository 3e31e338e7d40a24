/**
 * What the kernels between the q, k, v projection and the output projection know about a model and
 * the cache's buffers, as template values.
 */
import { STEP_WGSL } from "../core/step-uniform.ts";
import { sectionsOf } from "../core/template.ts";
import partsFile from "./attention-shape.wgsl?raw";

export type AttentionShape = {
  readonly heads: number;
  readonly keyValueHeads: number;
  /** Numbers of a head; a multiple of 8, so that the cache is whole vec4<u32>. */
  readonly headSize: number;
  readonly ropePairs: "interleaved" | "halves";
  /** Numbers of a head that are rotated; a multiple of 4. */
  readonly ropeDims: number;
  readonly scale: number;
  readonly bias: boolean;
  readonly headNorm: boolean;
  readonly epsilon: number;
  /** First position of each cache segment, and the end of the last. */
  readonly segmentStarts: readonly number[];
};

/** The most parts into which a row's positions are split. */
export const MAX_SPLITS = 64;
/** A head's threads when parts are joined are one workgroup, of WebGPU's default limit. */
const MAX_HEAD_SIZE = 256;

/** Floats of a row of q | k | v. */
export function queryKeyValueColumns(shape: AttentionShape): number {
  return (shape.heads + 2 * shape.keyValueHeads) * shape.headSize;
}

/** Throws a `RangeError` if the kernels do not support the shape. */
export function checkAttentionShape(shape: AttentionShape): void {
  const { heads, keyValueHeads, headSize, ropeDims } = shape;
  if (headSize % 8 !== 0) throw new RangeError(`heads of ${headSize} are not a multiple of 8`);
  if (headSize > MAX_HEAD_SIZE)
    throw new RangeError(`heads of ${headSize} are larger than ${MAX_HEAD_SIZE}`);
  if (ropeDims % 4 !== 0)
    throw new RangeError(`${ropeDims} rotated numbers are not a multiple of 4`);
  if (heads % keyValueHeads !== 0) {
    throw new RangeError(`${heads} query heads do not share ${keyValueHeads} key heads evenly`);
  }
}

/** An f32 as WGSL reads it back exactly. */
export const literal = (value: number) => String(Math.fround(value));

export function shapeValues(shape: AttentionShape): Record<string, number | string> {
  return {
    QKV: queryKeyValueColumns(shape),
    DIM: shape.headSize,
    HEADS: shape.heads,
    KV_HEADS: shape.keyValueHeads,
    BIAS: Number(shape.bias),
    HEAD_NORM: Number(shape.headNorm),
    EPSILON: literal(shape.epsilon),
    SCALE: literal(shape.scale),
    INTERLEAVED: Number(shape.ropePairs === "interleaved"),
    ROPE_DIMS: shape.ropeDims,
    SEGMENTS: shape.segmentStarts.length - 1,
    STARTS: shape.segmentStarts.map((start) => `${start}u`).join(", "),
  };
}

export const SHAPE_PARTS = { step: STEP_WGSL, ...sectionsOf(partsFile) };

/** cos and sin of each pair at each position, in f64 on the CPU: WGSL's have an error of up to 2^-11. */
export function rotationTable(
  positions: number,
  frequencies: Float64Array, // [dims / 2]
  magnitude: number,
): Float32Array<ArrayBuffer> {
  const table = new Float32Array(positions * frequencies.length * 2);
  let at = 0;
  for (let position = 0; position < positions; position++) {
    for (const frequency of frequencies) {
      table[at++] = Math.cos(position * frequency) * magnitude;
      table[at++] = Math.sin(position * frequency) * magnitude;
    }
  }
  return table;
}
