/** Creates what a shard's steps record: the buffers that all layers share, the layers, and sampling. */
import {
  attentionOutputFloats,
  type AttentionShape,
  embeddingKernel,
  maxSplits,
  queryKeyValueColumns,
  SPLIT_ROWS,
  STEP_BYTES,
  type Weights,
} from "../kernels/index.ts";
import type { ShardDescription } from "../model/index.ts";
import { kvBytesPerToken } from "../shared/index.ts";
import { planAttention } from "./attention-plan.ts";
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
  const ofRows = (label: string, columns: number) =>
    resources.storage(label, maxRows * columns * 4);
  const step = resources.uniform("step", STEP_BYTES);
  const outputFloats = attentionOutputFloats(shape, SPLIT_ROWS, maxSplits(shape));
  const widest = Math.max(model.hidden, model.feedForward, model.heads * model.headSize);
  const buffers: LayerBuffers = {
    step,
    x: ofRows("residual", model.hidden),
    normed: ofRows("normed", model.hidden),
    queryKeyValue: ofRows("q, k, v", queryKeyValueColumns(shape)),
    query: ofRows("query", model.heads * model.headSize),
    attention: resources.storage("attention", outputFloats * 4),
    gated: ofRows("gated", model.feedForward),
    gate: ofRows("gate", model.feedForward),
    quants: ofRows("quants", widest / 4),
    scales: ofRows("scales", widest / 16),
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
  const embeddings = await Promise.all(
    (weights.embedding?.parts ?? []).map(async ({ firstRow, rows, quants, meta }) => {
      const { format, columns } = weights.embedding!;
      const bind = await resources.compile(embeddingKernel({ format, columns, firstRow, rows }));
      return bind([step, quants, meta, buffers.x, sampled]);
    }),
  );
  const maxBytes = sample?.result.size ?? maxRows * model.hidden * 4;
  const readback = new Readback(resources, maxBytes, options.submitWhileWaiting);
  return { step, x: buffers.x, embeddings, layers, planLayers, attention, sample, readback };
}
