/**
 * A model's arithmetic as data, read from a GGUF header: all that the engine needs.
 * An architecture is a row in `architectures.ts`; the engine has no `if` on an
 * architecture's name.
 */
import type { BlockFormat } from "../tensor/index.ts";

export type RopeDescription = {
  /** "interleaved" rotates (2i, 2i+1) (llama); "halves" rotates (i, i + dims/2) (qwen, "neox"). */
  readonly pairs: "interleaved" | "halves";
  /** How many numbers of a head are rotated; even, at most headSize. */
  readonly dims: number;
  /** cos/sin angle of pair i at position p is p * frequencies[i]; scaling is already in it. */
  readonly frequencies: Float64Array; // [dims / 2]
  /** Multiplies cos and sin (YaRN's attention factor); 1 otherwise. */
  readonly magnitude: number;
};

export type ModelDescription = {
  readonly architecture: string;
  readonly layerCount: number;
  readonly hidden: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  readonly contextTokens: number;
  readonly normEpsilon: number;
  /** Multiplies q.k before the softmax; 1 / sqrt(headSize) unless the file specifies it. */
  readonly attentionScale: number;
  readonly rope: RopeDescription;
  /** q, k and v have biases (qwen2). */
  readonly attentionBias: boolean;
  /** q and k are RMS-normed per head before RoPE (qwen3). */
  readonly headNorm: boolean;
  /** The head reuses token_embd.weight. */
  readonly tiedHead: boolean;
};

export type TensorInfo = {
  readonly name: string;
  readonly format: BlockFormat;
  /** [rows, columns]: GGUF's ne[1], ne[0]; a vector has one row. */
  readonly rows: number;
  readonly columns: number;
  /** From the start of the file. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
};

/**
 * Where a shard's bytes come from: a URL, a file, a peer, or the cache. Plain and
 * asynchronous, so that it can be a remote object.
 */
export type ByteReader = {
  /** Exactly `lengthBytes` bytes from `offsetBytes`; rejects with a `ModelError` otherwise. */
  read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array<ArrayBuffer>>;
};
