/**
 * The bytes of a shard: weights, KV cache, scratch. The solver, manual placements, and the engine's
 * memory plan all count them here.
 */

export type ShardBytes = {
  readonly weightBytes: number;
  readonly cacheBytes: number;
  readonly scratchBytes: number;
};

/** A model's bytes, with a cache for all tokens of all generations. */
export type ModelBytes = {
  readonly layers: readonly { readonly weightBytes: number; readonly kvBytes: number }[];
  readonly embedBytes: number;
  readonly headBytes: number;
  /** The head uses the embedding's bytes: a member that is first and last holds them once. */
  readonly tied: boolean;
};

/**
 * Allowance for buffers besides weights and cache: activations of a chunk, staging, logits. The
 * engine computes the exact number, which depends on its kernel variants, when it loads a shard.
 */
export const SCRATCH_BYTES = 16 * 2 ** 20;

/** Keys and values are stored as f16. */
const CACHE_BYTES_PER_NUMBER = 2;

/** Cache bytes of one token in one layer: a key and a value for each head. */
export function kvBytesPerToken(model: {
  readonly keyValueHeads: number;
  readonly headSize: number;
}): number {
  return 2 * model.keyValueHeads * model.headSize * CACHE_BYTES_PER_NUMBER;
}

type ModelSizes = {
  readonly contextTokens: number;
  readonly layers: readonly { readonly weightBytes: number; readonly kvBytesPerToken: number }[];
  readonly embedBytes: number;
  readonly headBytes: number;
  readonly tied: boolean;
};

/** The bytes of `model` under the room's settings; its cache never exceeds the model's own context. */
export function modelBytes(
  model: ModelSizes,
  settings: { readonly contextTokens: number; readonly generationSlots: number },
): ModelBytes {
  const tokens = Math.min(settings.contextTokens, model.contextTokens) * settings.generationSlots;
  return {
    layers: model.layers.map((layer) => ({
      weightBytes: layer.weightBytes,
      kvBytes: layer.kvBytesPerToken * tokens,
    })),
    embedBytes: model.embedBytes,
    // A tied head that is not counted by itself is the embedding.
    headBytes: model.headBytes > 0 || !model.tied ? model.headBytes : model.embedBytes,
    tied: model.tied,
  };
}

/** The bytes of the layers `[first, end)`, with the embedding on the first stage and the head on the last. */
export function shardBytes(
  model: ModelBytes,
  { first, end }: { readonly first: number; readonly end: number },
): ShardBytes {
  let weightBytes = 0;
  let cacheBytes = 0;
  for (let layer = first; layer < end; layer++) {
    weightBytes += model.layers[layer]?.weightBytes ?? 0;
    cacheBytes += model.layers[layer]?.kvBytes ?? 0;
  }
  const embed = first === 0 ? model.embedBytes : 0;
  const head = end === model.layers.length ? model.headBytes : 0;
  weightBytes += model.tied ? Math.max(embed, head) : embed + head;
  return { weightBytes, cacheBytes, scratchBytes: SCRATCH_BYTES };
}

export function totalBytes({ weightBytes, cacheBytes, scratchBytes }: ShardBytes): number {
  return weightBytes + cacheBytes + scratchBytes;
}
