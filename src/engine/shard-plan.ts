/** Creates what a shard's steps record: the buffers that all layers share, the layers, and sampling. */
import {
  attentionOutputFloats,
  type AttentionShape,
  embeddingKernel,
  maxSplits,
  queryKeyValueColumns,
  SPLIT_ROWS,
  STEP_BYTES,
  type StepParams,
  type Weights,
} from "../kernels/index.ts";
import type { ShardDescription } from "../model/index.ts";
import { kvBytesPerToken } from "../shared/index.ts";
import { planAttention } from "./attention-plan.ts";
import type { BoundKernel, GpuResources } from "./gpu-resources.ts";
import { planLayer, type LayerBuffers, type MatContext } from "./layer-plan.ts";
import type { LayerWeights } from "./layer-weights.ts";
import { maxSamples } from "./memory-plan.ts";
import { Readback } from "./readback.ts";
import { planSampling } from "./sample-plan.ts";
import type { ShardOptions } from "./types.ts";

export type ShardWeights = {
  readonly layers: readonly LayerWeights[];
  readonly embedding: Weights | null;
  readonly head: Weights | null;
  readonly outputNorm: GPUBuffer | null;
};

/** Compiles and binds everything for steps of up to `maxRows` rows; `table` holds the rotations. */
export async function planShard(
  context: MatContext,
  description: ShardDescription,
  options: ShardOptions,
  shape: AttentionShape,
  maxRows: number,
  weights: ShardWeights,
  table: GPUBuffer,
) {
  const { resources } = context;
  const { model } = description;
  const rows = (label: string, columns: number) => resources.storage(label, maxRows * columns * 4);
  const step = resources.uniform("step", STEP_BYTES);
  const outputFloats = attentionOutputFloats(shape, SPLIT_ROWS, maxSplits(shape));
  const widest = Math.max(model.hidden, model.feedForward, model.heads * model.headSize);
  const buffers: LayerBuffers = {
    step,
    x: rows("residual", model.hidden),
    normed: rows("normed", model.hidden),
    queryKeyValue: rows("q, k, v", queryKeyValueColumns(shape)),
    query: rows("query", model.heads * model.headSize),
    attention: resources.storage("attention", outputFloats * 4),
    gated: rows("gated", model.feedForward),
    gate: rows("gate", model.feedForward),
    quants: rows("quants", widest / 4),
    scales: rows("scales", widest / 16),
  };
  const extras = weights.layers.map((layer) => layer.extras);
  const positionBytes = kvBytesPerToken(model) * options.sequences;
  const planLayers = (newest: MatContext) =>
    Promise.all(weights.layers.map((layer) => planLayer(newest, model, layer, buffers)));
  const [layers, attention, sample] = await Promise.all([
    planLayers(context),
    planAttention(context, shape, buffers, table, extras, positionBytes),
    weights.head && weights.outputNorm
      ? planSampling(context, model, buffers, weights.outputNorm, weights.head, maxSamples(options))
      : null,
  ]);
  const sampled = sample?.result ?? resources.storage("no samples", 4);
  const embeddings = await planEmbedding(resources, weights.embedding, [step, buffers.x, sampled]);
  const maxBytes = sample?.result.size ?? maxRows * model.hidden * 4;
  const readback = new Readback(resources, maxBytes, options.submitWhileWaiting);
  return { step, x: buffers.x, embeddings, layers, planLayers, attention, sample, readback };
}

async function planEmbedding(
  resources: GpuResources,
  table: Weights | null,
  [step, x, sampled]: readonly [GPUBuffer, GPUBuffer, GPUBuffer],
): Promise<BoundKernel<StepParams>[]> {
  if (table === null) return [];
  const { format, columns, parts } = table;
  return Promise.all(
    parts.map(async ({ firstRow, rows, quants, meta }) => {
      const kernel = embeddingKernel({ format, columns, firstRow, rows });
      const bind = await resources.compile(kernel);
      return bind([step, quants, meta, x, sampled]);
    }),
  );
}
