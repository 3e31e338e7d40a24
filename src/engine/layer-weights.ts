/**
 * The weights of a layer in GPU memory, grouped as its dispatches read them:
 * q, k and v in one matrix where their formats allow, gate and up interleaved.
 */
import { createWeights, packedWrites, type Weights, weightsBytes } from "../kernels/index.ts";
import type { LayerTensors, ShardDescription, TensorInfo } from "../model/index.ts";
import { free } from "../shared/index.ts";
import type { WeightReader } from "./weight-reader.ts";

/** Weights, and the row of the output at which their rows begin. */
export type PlacedWeights = { readonly weights: Weights; readonly outputRow: number };

export type LayerWeights = {
  /** One matrix for each run of q, k, v with one format. */
  readonly queryKeyValue: readonly PlacedWeights[];
  readonly attentionOutput: Weights;
  /** One matrix of alternating rows, or gate and then up. */
  readonly gateUp: readonly [Weights] | readonly [gate: Weights, up: Weights];
  readonly down: Weights;
  readonly attentionNorm: GPUBuffer;
  readonly feedForwardNorm: GPUBuffer;
  /** [qkv bias][q norm][k norm], each where the model has it. */
  readonly extras: GPUBuffer;
};

/** q, k and v in runs of one format. */
function formatRuns({ query, key, value }: LayerTensors): TensorInfo[][] {
  const runs: TensorInfo[][] = [];
  for (const tensor of [query, key, value]) {
    const run = runs.at(-1);
    if (run !== undefined && run[0]!.format === tensor.format) run.push(tensor);
    else runs.push([tensor]);
  }
  return runs;
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

/** The matrices of a layer, as the file has them. */
export function layerTensors(layer: LayerTensors): TensorInfo[] {
  const { query, key, value, attentionOutput, gate, up, down } = layer;
  return [query, key, value, attentionOutput, gate, up, down];
}

/** Bytes of GPU memory that the matrices of a shard will take. */
export function shardWeightBytes(shard: ShardDescription): number {
  const tensors = shard.layers.flatMap(layerTensors);
  const ends = new Map([shard.embedding, shard.head].map((tensor) => [tensor?.name, tensor]));
  for (const tensor of ends.values()) if (tensor) tensors.push(tensor);
  return sum(tensors.map(({ format, rows, columns }) => weightsBytes(format, rows, columns)));
}

/** Allocates the matrices of one layer, for the reader to fill. */
export function placeLayer(reader: WeightReader, tensors: LayerTensors): LayerWeights {
  const queryKeyValue: PlacedWeights[] = [];
  let outputRow = 0;
  for (const run of formatRuns(tensors)) {
    const rows = sum(run.map((tensor) => tensor.rows));
    const weights = createWeights(reader.device, run[0]!.format, rows, run[0]!.columns);
    let row = 0;
    for (const tensor of run) {
      queueRows(reader, weights, row, tensor);
      row += tensor.rows;
    }
    queryKeyValue.push({ weights, outputRow });
    outputRow += rows;
  }
  const norms = [tensors.queryNorm, tensors.keyNorm];
  const biases = [tensors.queryBias, tensors.keyBias, tensors.valueBias];
  return {
    queryKeyValue,
    attentionOutput: placeMatrix(reader, tensors.attentionOutput),
    gateUp: placeGateUp(reader, tensors.gate, tensors.up),
    down: placeMatrix(reader, tensors.down),
    attentionNorm: reader.vectors("attention norm", [tensors.attentionNorm]),
    feedForwardNorm: reader.vectors("feed-forward norm", [tensors.feedForwardNorm]),
    extras: reader.vectors("attention extras", [...biases, ...norms]),
  };
}

/** Queues the rows of tensors, interleaved, for the rows of `weights` from `start` on. */
function queueRows(
  reader: WeightReader,
  weights: Weights,
  start: number,
  ...tensors: readonly TensorInfo[]
): void {
  reader.rows(tensors, async (first, sources, pack) => {
    const packed = await pack(weights.format, weights.columns, sources);
    const writes = packedWrites(weights, start + first * tensors.length, packed);
    return async () => {
      for (const { bytes, buffer, offset } of writes)
        await reader.uploads.write(bytes, buffer, offset);
      free(packed.quants, packed.meta);
    };
  });
}

/** Allocates a matrix, for the reader to fill. */
export function placeMatrix(reader: WeightReader, tensor: TensorInfo): Weights {
  const { format, rows, columns } = tensor;
  const weights = createWeights(reader.device, format, rows, columns);
  queueRows(reader, weights, 0, tensor);
  return weights;
}

function placeGateUp(
  reader: WeightReader,
  gate: TensorInfo,
  up: TensorInfo,
): LayerWeights["gateUp"] {
  if (gate.format !== up.format) return [placeMatrix(reader, gate), placeMatrix(reader, up)];
  const weights = createWeights(reader.device, gate.format, 2 * gate.rows, gate.columns);
  queueRows(reader, weights, 0, gate, up);
  return [weights];
}

/** All matrices of a layer, to free them. */
export function layerMatrices(layer: LayerWeights): Weights[] {
  const { queryKeyValue, attentionOutput, gateUp, down } = layer;
  return [...queryKeyValue.map(({ weights }) => weights), attentionOutput, ...gateUp, down];
}
