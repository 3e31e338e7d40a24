/**
 * Matrix products with quantized weights: out[t, r] = sum over c of W[r, c] * x[t, c].
 *
 * Planned once, recorded every step: `planMat` compiles (all matrices of one kind share pipelines),
 * creates its bind groups, and returns a plan whose
 * `record(pass, tokens)` only sets pipelines and dispatches. The number of tokens
 * of a step is read on the GPU from the first u32 of the step's uniform buffer.
 *
 * Shapes      W [rows, columns] (weights.ts)   out [tokens, outputStride] f32
 * x, float    [tokens, columns] f32
 * x, int8     quants [tokens, columns] int8, and for each 32 of them (d, d * sum of the
 *             quants) as vec2<f32> [tokens, columns / 32]; made by quantize-rows.ts
 *
 * Bindings    0 shape   1 step   2 quants   3 meta   4 x   5 scales of x, or norm weights
 *             6 and on: what the epilogue declares
 *
 * Every kernel hands its results to the epilogue in pairs of rows:
 *   fn store_pair(token: u32, row: u32, a: f32, b: f32)
 * with `row` even and counted over all of the output (`outputRow` + the weights' row);
 * `b` is meaningless when row + 1 == shape.row_end.
 */
import epiloguesFile from "./mat-epilogues.wgsl?raw";
import { matWgsl, SPLIT_FOLD, type MatEpilogue } from "./mat-source.ts";
import { variantName, workgroupTile, type MatVariant } from "./mat-variant.ts";
import { bind, compile, dispatch, type CompiledKernel, type Workgroups } from "../core/runner.ts";
import { sectionsOf } from "../core/template.ts";
import { upload } from "../core/upload.ts";
import { packedRow } from "./weights-pack.ts";
import type { Weights, WeightsPart } from "./weights.ts";

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

export type MatPlan = Awaited<ReturnType<typeof planMat>>;

/** Which variant computes up to how many tokens, in increasing order; the last one has no bound. */
export type MatChoice = readonly { readonly upTo: number; readonly variant: MatVariant }[];

const EPILOGUE_FILE = sectionsOf(epiloguesFile);

function epilogue(name: string): MatEpilogue {
  return { name, wgsl: EPILOGUE_FILE[name]! };
}

/** Buffers: the output at 6; at 7 the gate's results. */
export const EPILOGUES = {
  store: epilogue("store"),
  add: epilogue("add"),
  swiglu: epilogue("swiglu"),
  multiplySilu: epilogue("multiply-silu"),
} as const;

/**
 * Compiles the variants of `choice` and binds them to the buffers of `use`. Rejects with a
 * `KernelError`, or with what `beforeBind` throws: the buffers may be gone once all is compiled.
 */
export async function planMat(
  device: GPUDevice,
  use: MatUse,
  choice: MatChoice,
  beforeBind = () => undefined as void,
) {
  const { weights, x } = use;
  const kernels = await Promise.all(choice.map(({ variant }) => matKernel(device, use, variant)));
  beforeBind();
  const inputs =
    x.kind === "int8" ? [x.x, x.scales] : x.norm === undefined ? [x.x] : [x.x, x.norm.weight];
  const parts = weights.parts.map((part) => ({
    rows: part.rows,
    group: bind(device, kernels[0]!, [
      shapeBuffer(device, use, part),
      use.step,
      part.quants,
      part.meta,
      ...inputs,
      ...use.epilogueBuffers,
    ]),
  }));
  return {
    /** Weight bytes that one `record` reads from memory, at least. */
    weightBytes: weights.bytes,
    /** Sets pipelines, dispatches; returns the number of dispatches (one for each part of the weights). */
    record(pass: GPUComputePassEncoder, tokens: number): number {
      const i = choice.findIndex(({ upTo }) => tokens <= upTo);
      const [kernel, { variant }] = [kernels[i]!, choice[i]!];
      for (const { rows, group } of parts) {
        dispatch(pass, kernel, group, matWorkgroups(variant, rows, tokens));
      }
      return parts.length;
    },
  };
}

/** The grid for `rows` of weights and `tokens`. */
export function matWorkgroups(variant: MatVariant, rows: number, tokens: number): Workgroups {
  const tile = workgroupTile(variant);
  const x = Math.ceil(rows / tile.rows);
  const y = Math.ceil(tokens / tile.tokens);
  return variant.kind === "split" || variant.kind === "subgroups"
    ? [Math.min(x, SPLIT_FOLD), y, Math.ceil(x / SPLIT_FOLD)]
    : [x, y, 1];
}

/** Compiles the kernel of a use and variant. */
export function matKernel(
  device: GPUDevice,
  { weights, x, epilogue }: Pick<MatUse, "weights" | "x" | "epilogue">,
  variant: MatVariant,
): Promise<CompiledKernel> {
  const norm = x.kind === "float" && x.norm !== undefined;
  return compile(device, {
    name: `mat ${weights.format} ${x.kind}${norm ? " norm" : ""} ${epilogue.name}: ${variantName(variant)}`,
    wgsl: matWgsl({ format: weights.format, activations: x.kind, norm, epilogue, variant }),
  });
}

/** The uniform `Shape` of mat-common.wgsl for one part of the weights. */
function shapeBuffer(device: GPUDevice, use: MatUse, part: WeightsPart): GPUBuffer {
  const { weights, x, outputStride, outputRow = 0 } = use;
  const bytes = new ArrayBuffer(32);
  const base = outputRow + part.firstRow;
  const { metaWords } = packedRow(weights.format, weights.columns);
  const words = [part.rows, base, base + part.rows, weights.columns / 32, metaWords, outputStride];
  new Uint32Array(bytes).set(words);
  const epsilon = x.kind === "float" ? (x.norm?.epsilon ?? 0) : 0;
  new Float32Array(bytes).set([epsilon, 1 / weights.columns], words.length);
  return upload(device, new Uint8Array(bytes), GPUBufferUsage.UNIFORM);
}
