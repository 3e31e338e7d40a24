/**
 * A matrix product of random weights and activations in GPU memory, and what its first rows must
 * give for the last token: what variants are timed and checked on.
 */
import { rowBytes, dequantize, randomBlocks } from "../../tensor/index.ts";
import type { MatrixShape, Activations } from "./mat-variant.ts";
import type { MatInput } from "./mat.ts";
import { matReference } from "./mat-reference.ts";
import { quantizeReference } from "./quantize-rows.ts";
import { upload } from "../core/upload.ts";
import { createWeights, destroyWeights, writeRows, type Weights } from "./weights.ts";

/** Rows of weights that are made and checked; the matrix repeats them. */
const CHECKED_ROWS = 64;
/** Tokens whose activations are made; more repeat them. */
const MADE_TOKENS = 64;

export type RandomProduct = {
  readonly weights: Weights;
  readonly input: MatInput;
  /** The first rows of the last token's result. */
  readonly expected: Float64Array;
  destroy(): void;
};

export function randomProduct(
  device: GPUDevice,
  { format, rows, columns }: MatrixShape,
  activations: Activations,
  tokens: number,
): RandomProduct {
  const checked = Math.min(CHECKED_ROWS, rows);
  const bytes = randomBlocks(format, checked * columns, Math.random);
  const weights = createWeights(device, format, rows, columns);
  for (let row = 0; row < rows; row += checked) {
    const count = Math.min(checked, rows - row);
    writeRows(device, weights, row, [bytes.subarray(0, count * rowBytes(format, columns))]);
  }
  const made = Math.min(MADE_TOKENS, tokens);
  const x = Float32Array.from({ length: made * columns }, () => Math.random() * 2 - 1);
  const { input, values, buffers } = makeInput(device, activations, x, tokens / made);
  const last = (tokens - 1) % made;
  const lastToken = values.subarray(last * columns, (last + 1) * columns);
  const shape = { rows: checked, columns, tokens: 1 };
  return {
    weights,
    input,
    expected: matReference(dequantize(format, bytes), lastToken, shape),
    destroy() {
      destroyWeights(weights);
      for (const buffer of buffers) buffer.destroy();
    },
  };
}

/** The activations in GPU memory, so many times, and their values after any rounding. */
function makeInput(
  device: GPUDevice,
  activations: Activations,
  x: Float32Array<ArrayBuffer>,
  times: number,
) {
  if (activations === "float") {
    const buffer = upload(device, repeated(x, times));
    const input: MatInput = { kind: "float", x: buffer };
    return { input, values: x, buffers: [buffer] };
  }
  const { quants, scales } = quantizeReference(x);
  const quantBuffer = upload(device, repeated(new Uint8Array(quants.buffer as ArrayBuffer), times));
  const scaleBuffer = upload(device, repeated(Float32Array.from(scales), times));
  const input: MatInput = { kind: "int8", x: quantBuffer, scales: scaleBuffer };
  const values = x.map((_, i) => quants[i]! * scales[(i >> 5) * 2]!);
  return { input, values, buffers: [quantBuffer, scaleBuffer] };
}

/** As often as `times` says, the last time perhaps in part. */
function repeated<Values extends Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>(
  values: Values,
  times: number,
): Values {
  if (times === 1) return values;
  const out = new (values.constructor as new (length: number) => Values)(
    Math.round(values.length * times),
  );
  for (let at = 0; at < out.length; at += values.length)
    out.set(values.subarray(0, out.length - at), at);
  return out;
}
