/**
 * Matrix products with quantised weights: out[t, r] = sum over c of W[r, c] * x[t, c].
 *
 * Planned once, recorded every step: `planMat` compiles (pipelines are shared by
 * all matrices of equal kind), makes its bind groups, and returns a plan whose
 * `record(pass, tokens)` only sets pipelines and dispatches. The number of tokens
 * of a step is read on the GPU from the first u32 of the step's uniform buffer.
 *
 * Shapes      W [rows, columns] (weights.ts)   out [tokens, outputStride] f32
 * x, float    [tokens, columns] f32
 * x, int8     quants [tokens, columns] int8, and for each 32 of them (d, d * sum of the
 *             quants) as vec2<f32> [tokens, columns / 32]; made by quantize.ts
 *
 * Bindings    0 shape   1 step   2 quants   3 meta   4 x   5 scales of x, or norm weights
 *             6 and on: what the epilogue declares
 *
 * Every kernel hands its results to the epilogue in pairs of rows:
 *   fn store_pair(token: u32, row: u32, a: f32, b: f32)
 * with `row` even and counted over all of the output (`outputRow` + the weights' row);
 * `b` is meaningless when row + 1 == shape.row_end. An epilogue is data
 * (`MatEpilogue`), so the engine can write its own, for instance one that rotates
 * q and k (pairs of rows are RoPE's interleaved pairs) and writes k and v to the cache.
 *
 * A llama layer in 7 dispatches
 *   float   qkv with the norm folded in (1), RoPE + KV write (2), attention (3), output + residual
 *           (4), gate-up-SwiGLU with the norm folded in (5), down + residual (6); one is spare for
 *           split attention's reduce.
 *   int8    norm + quantise (1), qkv (2), RoPE + KV write (3), attention that quantises its own
 *           output (4), output + residual (5), norm + quantise (6), gate-up-SwiGLU (7), down with
 *           float activations + residual (8); with the engine's RoPE epilogue in qkv it is 7.
 */
import type { BlockFormat } from "../tensor/block-format.ts";
import type { Weights } from "./weights.ts";

export type Activations = "float" | "int8";

/** What happens to a pair of results. */
export type MatEpilogue = {
  readonly name: string;
  /** Declares bindings from 6 on, and `store_pair`; may use `shape` and `step`. */
  readonly wgsl: string;
};

export type MatUse = {
  readonly weights: Weights;
  /** Uniform whose first u32 is the number of tokens in the step. */
  readonly step: GPUBuffer;
  readonly x: MatInput;
  readonly epilogue: MatEpilogue;
  /** Buffers of bindings 6, 7, ... as the epilogue declares them. */
  readonly epilogueBuffers: readonly GPUBuffer[];
  /** f32 elements between the outputs of two tokens. */
  readonly outputStride: number;
  /** Where the weights' first row lies in the output; even. */
  readonly outputRow?: number;
};

export type MatInput =
  | { readonly kind: "float"; readonly x: GPUBuffer; readonly norm?: MatNorm }
  | { readonly kind: "int8"; readonly x: GPUBuffer; readonly scales: GPUBuffer };

/** RMS norm of x before the product: x * weight / sqrt(mean(x^2) + epsilon). */
export type MatNorm = { readonly weight: GPUBuffer; readonly epsilon: number };

export type MatPlan = {
  /** Sets pipelines, dispatches; returns the number of dispatches. */
  record(pass: GPUComputePassEncoder, tokens: number): number;
  /** Weight bytes that one `record` reads from memory, at least. */
  readonly weightBytes: number;
};

/** Formats whose products can use int8 activations; the others need float. */
export function acceptsInt8(format: BlockFormat): boolean {
  return format !== "F32" && format !== "F16" && format !== "BF16";
}
