/**
 * The matrix products of one layer, planned once. With float activations the RMS
 * norms are folded into the products; with int8 a dispatch norms and quantises
 * before q, k, v and before gate and up.
 *
 *   float   qkv, attention, output + residual, gate-up-SwiGLU, down + residual       5 (+ 1 when split)
 *   int8    norm, qkv, attention, output + residual, norm, gate-up-SwiGLU, down      7 (+ 1 when split)
 */
import {
  acceptsInt8,
  EPILOGUES,
  planMat,
  type MatEpilogue,
  type MatInput,
  type MatPlan,
} from "../kernels/mat.ts";
import { planQuantize } from "../kernels/quantize-rows.ts";
import type { Weights } from "../kernels/weights.ts";
import type { ModelDescription } from "../model/description.ts";
import type { GpuResources } from "./gpu-resources.ts";
import type { LayerWeights } from "./layer-weights.ts";
import type { EngineVariants } from "./variants.ts";

/** Activations of a step; the same for all layers. */
export type LayerBuffers = {
  readonly step: GPUBuffer;
  readonly x: GPUBuffer; // [rows, hidden] the residual stream
  readonly queryKeyValue: GPUBuffer;
  readonly attention: GPUBuffer; // [rows, heads * headSize]
  readonly gated: GPUBuffer; // [rows, feedForward]
  readonly gate: GPUBuffer; // the same; only for gate and up of two formats
  readonly quants: GPUBuffer; // [rows, hidden] int8
  readonly scales: GPUBuffer; // [rows, hidden / 32] vec2<f32>
};

/** One or more dispatches that are always recorded together. */
export type Recorded = { record(pass: GPUComputePassEncoder, rows: number): void };

export type LayerPlan = {
  readonly queryKeyValue: Recorded;
  /** All that follows the attention. */
  readonly rest: Recorded;
};

export type MatContext = {
  readonly resources: GpuResources;
  readonly variants: EngineVariants;
  readonly activations: "float" | "int8";
};

export async function planLayer(
  context: MatContext,
  model: ModelDescription,
  weights: LayerWeights,
  buffers: LayerBuffers,
): Promise<LayerPlan> {
  const { step, x, queryKeyValue, attention, gated, gate } = buffers;
  const { hidden, feedForward, normEpsilon } = model;
  const normed = (norm: GPUBuffer, matrices: readonly Weights[]) =>
    planNorm(context, buffers, hidden, { weight: norm, epsilon: normEpsilon }, matrices);
  const product = (
    matrix: Weights,
    input: MatInput,
    epilogue: MatEpilogue,
    epilogueBuffers: GPUBuffer[],
    outputStride: number,
    outputRow = 0,
  ) =>
    planProduct(context, {
      weights: matrix,
      step,
      x: input,
      epilogue,
      epilogueBuffers,
      outputStride,
      outputRow,
    });

  const columns = (model.heads + 2 * model.keyValueHeads) * model.headSize;
  const first = await normed(
    weights.attentionNorm,
    weights.queryKeyValue.map((placed) => placed.weights),
  );
  const second = await normed(weights.feedForwardNorm, weights.gateUp);
  const [gateOrBoth, up] = weights.gateUp;
  const qkv = Promise.all(
    weights.queryKeyValue.map(({ weights: matrix, outputRow }) => {
      const input = first.input(matrix);
      return product(matrix, input, EPILOGUES.store, [queryKeyValue], columns, outputRow);
    }),
  );
  const attended: MatInput = { kind: "float", x: attention };
  const output = product(weights.attentionOutput, attended, EPILOGUES.add, [x], hidden);
  const gates = Promise.all(
    up === undefined
      ? [product(gateOrBoth, second.input(gateOrBoth), EPILOGUES.swiglu, [gated], feedForward)]
      : [
          product(gateOrBoth, second.input(gateOrBoth), EPILOGUES.store, [gate], feedForward),
          product(up, second.input(up), EPILOGUES.multiplySilu, [gated, gate], feedForward),
        ],
  );
  const down = product(weights.down, { kind: "float", x: gated }, EPILOGUES.add, [x], hidden);
  return {
    queryKeyValue: together([...first.before, ...(await qkv)]),
    rest: together([await output, ...second.before, ...(await gates), await down]),
  };
}

function together(parts: readonly Recorded[]): Recorded {
  return {
    record(pass, rows) {
      for (const part of parts) part.record(pass, rows);
    },
  };
}

/** The norm before `matrices`: folded into each, or a dispatch that quantises for those that can use it. */
async function planNorm(
  { resources, variants, activations }: MatContext,
  { step, x, quants, scales }: LayerBuffers,
  columns: number,
  norm: { readonly weight: GPUBuffer; readonly epsilon: number },
  matrices: readonly Weights[],
): Promise<{ before: Recorded[]; input: (matrix: Weights) => MatInput }> {
  const quantised = (matrix: Weights) => activations === "int8" && acceptsInt8(matrix.format);
  const input = (matrix: Weights): MatInput =>
    quantised(matrix) ? { kind: "int8", x: quants, scales } : { kind: "float", x, norm };
  if (!matrices.some(quantised)) return { before: [], input };
  const use = { step, x, columns, norm, quants, scales };
  const plan = await planQuantize(resources.device, use, variants.quantize);
  return { before: [counted(resources, plan, 0)], input };
}

/** A matrix product with the variants that the shard has chosen; its dispatches and bytes are counted. */
export async function planProduct(
  { resources, variants }: MatContext,
  use: Parameters<typeof planMat>[1],
): Promise<Recorded> {
  const plan: MatPlan = await planMat(
    resources.device,
    use,
    variants.mat(use.weights.format, use.x.kind),
  );
  resources.counters.bindGroupsCreated += use.weights.parts.length;
  resources.counters.buffersCreated += use.weights.parts.length;
  return counted(resources, plan, plan.weightBytes);
}

function counted(
  { counters }: GpuResources,
  plan: { record(pass: GPUComputePassEncoder, rows: number): number },
  weightBytes: number,
): Recorded {
  return {
    record(pass, rows) {
      counters.dispatches += plan.record(pass, rows);
      counters.weightBytesRead += weightBytes;
    },
  };
}
