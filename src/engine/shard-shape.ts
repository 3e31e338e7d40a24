/** What a shard's attention kernels know of its model and its cache. */
import { checkAttentionShape, type AttentionShape } from "../kernels/attention-shape.ts";
import type { ModelDescription } from "../model/description.ts";
import { segmentStarts } from "./cache-plan.ts";
import { EngineError } from "./engine-error.ts";

/** Storage buffers of an attention kernel besides the cache's segments. */
const ATTENTION_BUFFERS = 4;

/** With at most `maxSegments` segments, or as many as the device can bind. Throws an `EngineError`. */
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
    throw new EngineError("unsupported", `This model cannot run here: ${String(cause)}`, { cause });
  }
  return shape;
}
