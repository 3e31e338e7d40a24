/** What a shard computes, as the kernels and the tuner see it. Pure. */
import {
  type AttentionShape,
  checkAttentionShape,
  type DeviceTraits,
  type MatrixShape,
  maxCacheSegments,
  type ShardWork,
} from "../kernels/index.ts";
import type { LayerTensors, ModelDescription, ShardDescription } from "../model/index.ts";
import { EngineError } from "./engine-error.ts";
import { shardWeightBytes } from "./layer-weights.ts";
import type { ShardOptions } from "./types.ts";
import { detailOf } from "../shared/index.ts";

/** Throws an `EngineError` for a model that the kernels cannot run. */
export function shardWork(
  limits: GPUSupportedLimits,
  shard: ShardDescription,
  { contextTokens, activations }: Pick<ShardOptions, "contextTokens" | "activations">,
  traits: DeviceTraits,
): ShardWork {
  return {
    products: shard.layers.flatMap(layerProducts),
    head: shard.head,
    attention: attentionShape(limits, shard.model, contextTokens, maxCacheSegments(traits)),
    activations,
    weightBytes: shardWeightBytes(shard),
  };
}

/** Gate and up of one format are multiplied as one matrix. */
function layerProducts(layer: LayerTensors): MatrixShape[] {
  const { query, key, value, attentionOutput, gate, up, down } = layer;
  const gateUp = gate.format === up.format ? [{ ...gate, rows: gate.rows + up.rows }] : [gate, up];
  return [query, key, value, attentionOutput, ...gateUp, down];
}

/** Storage buffers of an attention kernel besides the cache's segments. */
const ATTENTION_BUFFERS = 4;

/** With at most `maxSegments` segments, or as many as the device can bind. */
export function attentionShape(
  limits: GPUSupportedLimits,
  model: ModelDescription,
  contextTokens: number,
  maxSegments: number,
): AttentionShape {
  const bindings = limits.maxStorageBuffersPerShaderStage - ATTENTION_BUFFERS;
  const shape = {
    heads: model.heads,
    keyValueHeads: model.keyValueHeads,
    headSize: model.headSize,
    ropePairs: model.rope.pairs,
    ropeDims: model.rope.dims,
    scale: model.attentionScale,
    bias: model.attentionBias,
    headNorm: model.headNorm,
    epsilon: model.normEpsilon,
    segmentStarts: segmentStarts(contextTokens, Math.min(bindings, maxSegments)),
  };
  try {
    checkAttentionShape(shape);
  } catch (cause) {
    throw new EngineError(
      { reason: "model_shape_unsupported", detail: detailOf(cause) },
      { cause },
    );
  }
  return shape;
}

/** Contexts up to this length are one segment: a smaller one would save little. */
const SMALL_CONTEXT = 512;
/** Attention loads tiles; segments of the cache start at multiples of this. */
const SEGMENT_STEP = 64;

/**
 * First position of each segment, and the end of the last. A segment is a buffer for every layer, made when
 * a sequence first reaches it: growing copies nothing. Sizes double, so at least half is used.
 */
function segmentStarts(contextTokens: number, maxSegments: number): number[] {
  const end = roundUp(contextTokens);
  let segments = 1;
  while (segments < maxSegments && end / 2 ** segments >= SMALL_CONTEXT) segments++;
  const starts = [0];
  for (let s = segments - 1; s > 0; s--) starts.push(roundUp(end / 2 ** s));
  return [...starts, end];
}

const roundUp = (positions: number) => Math.ceil(positions / SEGMENT_STEP) * SEGMENT_STEP;
