/**
 * The bytes of a shard: weights, KV cache, scratch. The solver, manual placements, and the engine's
 * memory plan all count them here.
 */
import { z } from "zod";

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

/** What the buffers besides weights and cache grow with. */
export const ScratchSizes = z.strictObject({
  /** The result of attention, for as many rows as any step may have. */
  fixedBytes: z.number().min(0),
  /** Activations of one row of a step. */
  rowBytes: z.number().min(0),
  /** Rotations of one position of the context. */
  positionBytes: z.number().min(0),
  /** Partial results of attention, for each part of a context. */
  splitBytes: z.number().min(0),
  /** Choosing the next token of one answer, on the last stage: at most. */
  answerBytes: z.number().min(0),
});
export type ScratchSizes = z.infer<typeof ScratchSizes>;

// The kernels' own numbers; test/engine/adapter-limits.test.ts compares the two.
const MAX_ROWS = 512;
/** Rows of which attention splits the positions. */
const SPLIT_ROWS = 8;
const SMALLEST_CHUNK_ROWS = 64;
const MAX_SPLITS = 64;
const MIN_SPLIT_POSITIONS = 64;
/** Of one answer, besides its logits: at most. */
const ANSWER_BYTES = 256 * 2 ** 10;
const FLOAT_BYTES = 4;

/** The sizes for a model's dimensions: numbers, not bytes. */
export function scratchSizes(model: {
  readonly hidden: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly vocabulary: number;
  readonly rope: { readonly dims: number };
}): ScratchSizes {
  const { hidden, feedForward, heads, keyValueHeads, headSize, vocabulary, rope } = model;
  const attention = heads * headSize;
  const columns = attention + 2 * keyValueHeads * headSize;
  // One activation in 8 bits each, and a scale per 32.
  const quantized = (Math.max(hidden, feedForward, attention) * 5) / 16;
  const row = 3 * hidden + columns + attention + 2 * feedForward + quantized;
  return {
    fixedBytes: MAX_ROWS * attention * FLOAT_BYTES,
    rowBytes: row * FLOAT_BYTES,
    positionBytes: rope.dims * FLOAT_BYTES,
    splitBytes: SPLIT_ROWS * heads * (headSize + 2) * FLOAT_BYTES,
    answerBytes: vocabulary * FLOAT_BYTES + ANSWER_BYTES,
  };
}

/** Steps of so many rows, with a context of so many positions, split into so many parts. */
export type ScratchUse = {
  readonly rows: number;
  readonly positions: number;
  readonly splits: number;
  readonly answers: number;
};

export function scratchBytes(sizes: ScratchSizes, use: ScratchUse): number {
  return (
    sizes.fixedBytes +
    use.rows * sizes.rowBytes +
    use.positions * sizes.positionBytes +
    use.splits * sizes.splitBytes +
    use.answers * sizes.answerBytes
  );
}

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

type CacheSettings = { readonly contextTokens: number; readonly generationSlots: number };

/** A cache never exceeds the model's own context. */
const positionsOf = (model: { readonly contextTokens: number }, settings: CacheSettings) =>
  Math.min(settings.contextTokens, model.contextTokens);

/**
 * The scratch that a placement counts for any shard, before kernels are chosen: what the engine needs
 * at most with its smallest chunks.
 */
export function placedScratchBytes(
  model: { readonly contextTokens: number; readonly scratch: ScratchSizes },
  settings: CacheSettings,
): number {
  const positions = positionsOf(model, settings);
  const splits = Math.min(MAX_SPLITS, Math.ceil(positions / MIN_SPLIT_POSITIONS));
  const answers = settings.generationSlots;
  return scratchBytes(model.scratch, { rows: SMALLEST_CHUNK_ROWS, positions, splits, answers });
}

/** The bytes of `model` under the room's settings. */
export function modelBytes(model: ModelSizes, settings: CacheSettings): ModelBytes {
  const tokens = positionsOf(model, settings) * settings.generationSlots;
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

/** The weights and cache of the layers `[first, end)`, with the embedding on the first stage and the head on the last. */
export function shardBytes(
  model: ModelBytes,
  { first, end }: { readonly first: number; readonly end: number },
): Pick<ShardBytes, "weightBytes" | "cacheBytes"> {
  let weightBytes = 0;
  let cacheBytes = 0;
  for (let layer = first; layer < end; layer++) {
    weightBytes += model.layers[layer]?.weightBytes ?? 0;
    cacheBytes += model.layers[layer]?.kvBytes ?? 0;
  }
  const embed = first === 0 ? model.embedBytes : 0;
  const head = end === model.layers.length ? model.headBytes : 0;
  weightBytes += model.tied ? Math.max(embed, head) : embed + head;
  return { weightBytes, cacheBytes };
}

/** All that a placement counts for the layers `[first, end)`. */
export function placedBytes(
  model: ModelSizes & { readonly scratch: ScratchSizes },
  settings: CacheSettings,
  layers: { readonly first: number; readonly end: number },
): number {
  const { weightBytes, cacheBytes } = shardBytes(modelBytes(model, settings), layers);
  return weightBytes + cacheBytes + placedScratchBytes(model, settings);
}

export function totalBytes({ weightBytes, cacheBytes, scratchBytes }: ShardBytes): number {
  return weightBytes + cacheBytes + scratchBytes;
}
