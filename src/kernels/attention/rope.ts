/**
 * The host code of rope.wgsl, and its reference: bias, head norm, rotation, and the place of a key
 * or value in the cache.
 */
import { float16ToNumber, numberToFloat16 } from "../../tensor/index.ts";
import {
  queryKeyValueColumns,
  SHAPE_PARTS,
  shapeValues,
  type AttentionShape,
} from "./attention-shape.ts";
import wgsl from "./rope.wgsl?raw";
import type { Kernel } from "../core/runner.ts";
import { packStep, type StepParams } from "../core/step-uniform.ts";
import { expandTemplate } from "../core/template.ts";

/** Bindings: 1 qkv, 2 table, 3 extras, 4 query, 5.. the cache's segments. */
export function ropeKernel(shape: AttentionShape): Kernel<StepParams> {
  return {
    name: "rope",
    wgsl: expandTemplate(wgsl, shapeValues(shape), SHAPE_PARTS),
    packParams: packStep,
    workgroups: ({ rows }) => [
      Math.ceil((rows.length * (shape.heads + shape.keyValueHeads)) / 64),
      1,
      1,
    ],
  };
}

/** What rope.wgsl and the attention kernels read, in plain arrays. */
export type AttentionInput = {
  readonly qkv: Float32Array; // [rows, QKV]
  /** (cos, sin) [positions, dims / 2], from `rotationTable`. */
  readonly table: Float32Array;
  /** [qkv bias][q norm][k norm], each only where the shape has it. */
  readonly extras: Float32Array;
};

/** One head of one row with bias, norm and rotation; heads are numbered through q, k, v. */
export function rotatedHeadReference(
  shape: AttentionShape,
  input: AttentionInput,
  row: number,
  head: number,
  position: number,
): number[] {
  const { heads, keyValueHeads, headSize, ropeDims } = shape;
  const start = row * queryKeyValueColumns(shape) + head * headSize;
  let x = Array.from({ length: headSize }, (_, e) => {
    return input.qkv[start + e]! + (shape.bias ? input.extras[head * headSize + e]! : 0);
  });
  if (head >= heads + keyValueHeads) return x;
  if (shape.headNorm) {
    const mean = x.reduce((sum, value) => sum + value * value, 0) / headSize;
    const weights = (shape.bias ? queryKeyValueColumns(shape) : 0) + (head < heads ? 0 : headSize);
    x = x.map((v, e) => (v / Math.sqrt(mean + shape.epsilon)) * input.extras[weights + e]!);
  }
  const out = [...x];
  for (let pair = 0; pair < ropeDims / 2; pair++) {
    const interleaved = shape.ropePairs === "interleaved";
    const a = interleaved ? 2 * pair : pair;
    const b = interleaved ? 2 * pair + 1 : pair + ropeDims / 2;
    const cos = input.table[position * ropeDims + 2 * pair]!;
    const sin = input.table[position * ropeDims + 2 * pair + 1]!;
    out[a] = x[a]! * cos - x[b]! * sin;
    out[b] = x[a]! * sin + x[b]! * cos;
  }
  return out;
}

/** The cache as the kernels lay it out, for references: f16 values in plain arrays. */
export class CacheReference {
  readonly #values = new Map<string, number[]>();

  write(sequence: number, kvHead: number, which: "k" | "v", position: number, x: number[]): void {
    const rounded = x.map((value) => float16ToNumber(numberToFloat16(value)));
    this.#values.set(`${sequence} ${kvHead} ${which} ${position}`, rounded);
  }

  read(sequence: number, kvHead: number, which: "k" | "v", position: number): number[] {
    const found = this.#values.get(`${sequence} ${kvHead} ${which} ${position}`);
    if (found === undefined) throw new Error(`position ${position} was never written`);
    return found;
  }
}

/** Writes the keys and values of every row to the cache; returns the rotated, scaled queries. */
export function ropeReference(
  shape: AttentionShape,
  input: AttentionInput,
  cache: CacheReference,
  { rows }: StepParams,
): Float32Array {
  const { heads, keyValueHeads, headSize } = shape;
  const query = new Float32Array(rows.length * heads * headSize);
  rows.forEach(({ sequence, position }, row) => {
    for (let head = 0; head < heads + 2 * keyValueHeads; head++) {
      const x = rotatedHeadReference(shape, input, row, head, position);
      if (head < heads) {
        query.set(
          x.map((value) => value * shape.scale),
          (row * heads + head) * headSize,
        );
      } else {
        const kvHead = (head - heads) % keyValueHeads;
        cache.write(sequence, kvHead, head < heads + keyValueHeads ? "k" : "v", position, x);
      }
    }
  });
  return query;
}
