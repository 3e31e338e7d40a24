/**
 * The tensors of a shard, by role. Every shape is checked against the description,
 * so that the engine can trust it.
 */
import type { ModelDescription, TensorInfo } from "./description.ts";
import { malformed, unsupported } from "./model-error.ts";

type Tensors = ReadonlyMap<string, TensorInfo>;

/** The tensors of one layer, by their role; null for those that the architecture does not have. */
export type LayerTensors = Readonly<ReturnType<typeof layerTensors>>;

/** What a member loads: the layers `[first, end)`, the embedding on stage 0, the head on the last stage. */
export type ShardDescription = {
  readonly model: ModelDescription;
  readonly first: number;
  readonly end: number;
  readonly layers: readonly LayerTensors[]; // [end - first]
  /** Present on stage 0. */
  readonly embedding: TensorInfo | null;
  /** Present on the last stage; the same tensor as the embedding when tied. */
  readonly head: TensorInfo | null;
  readonly outputNorm: TensorInfo | null;
};

/** Tensors that are not read with a shard: RoPE's divisors, and angles that old converters wrote. */
const READ_ELSEWHERE = /^(rope_freqs|blk\.\d+\.attn_rot_embd)\.weight$/;

/** Throws if the file has a tensor that the supported arithmetic does not use. `whole` has all layers. */
export function checkNoOtherTensors(whole: ShardDescription, tensors: Tensors): void {
  const used = new Set(shardTensors(whole));
  for (const tensor of tensors.values())
    if (!used.has(tensor) && !READ_ELSEWHERE.test(tensor.name))
      throw unsupported("tensor", whole.model.architecture, [], tensor.name);
}

/** The layers `[first, end)`, with the embedding on stage 0, and norm and head on the last stage. */
export function describeShard(
  model: ModelDescription,
  tensors: Tensors,
  first: number,
  end: number,
): ShardDescription {
  const isInteger = Number.isInteger(first) && Number.isInteger(end);
  if (!(isInteger && 0 <= first && first < end && end <= model.layerCount))
    throw new RangeError(`[${first}, ${end}) is not a range of the ${model.layerCount} layers`);
  const layers = Array.from({ length: end - first }, (_, i) =>
    layerTensors(model, tensors, first + i),
  );
  const { hidden, vocabulary } = model;
  const isLast = end === model.layerCount;
  const headName = model.tiedHead ? "token_embd.weight" : "output.weight";
  return {
    model,
    first,
    end,
    layers,
    embedding: first === 0 ? matrix(tensors, "token_embd.weight", vocabulary, hidden) : null,
    head: isLast ? matrix(tensors, headName, vocabulary, hidden) : null,
    outputNorm: isLast ? matrix(tensors, "output_norm.weight", 1, hidden) : null,
  };
}

/** The tensors of a shard, each once, in file order. */
export function shardTensors(shard: ShardDescription): TensorInfo[] {
  const tensors = new Set<TensorInfo>();
  const roles = shard.layers.flatMap((layer) => Object.values(layer));
  for (const tensor of [shard.embedding, ...roles, shard.outputNorm, shard.head]) {
    if (tensor !== null) tensors.add(tensor);
  }
  return [...tensors].sort((a, b) => a.offsetBytes - b.offsetBytes);
}

function layerTensors(model: ModelDescription, tensors: Tensors, layer: number) {
  const { hidden, heads, keyValueHeads, headSize, feedForward } = model;
  const queries = heads * headSize;
  const keys = keyValueHeads * headSize;
  const take = (role: string, rows: number, columns: number) =>
    matrix(tensors, `blk.${layer}.${role}`, rows, columns);
  const optional = (isPresent: boolean, role: string, columns: number) =>
    isPresent ? take(role, 1, columns) : null;
  const { attentionBias, headNorm } = model;
  return {
    attentionNorm: take("attn_norm.weight", 1, hidden),
    query: take("attn_q.weight", queries, hidden),
    key: take("attn_k.weight", keys, hidden),
    value: take("attn_v.weight", keys, hidden),
    queryBias: optional(attentionBias, "attn_q.bias", queries),
    keyBias: optional(attentionBias, "attn_k.bias", keys),
    valueBias: optional(attentionBias, "attn_v.bias", keys),
    queryNorm: optional(headNorm, "attn_q_norm.weight", headSize),
    keyNorm: optional(headNorm, "attn_k_norm.weight", headSize),
    attentionOutput: take("attn_output.weight", hidden, queries),
    feedForwardNorm: take("ffn_norm.weight", 1, hidden),
    gate: take("ffn_gate.weight", feedForward, hidden),
    up: take("ffn_up.weight", feedForward, hidden),
    down: take("ffn_down.weight", hidden, feedForward),
  };
}

function matrix(tensors: Tensors, name: string, rows: number, columns: number): TensorInfo {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw malformed("missing_tensor", name);
  if (tensor.rows !== rows || tensor.columns !== columns) {
    const found = `${tensor.rows} x ${tensor.columns}`;
    throw malformed("invalid_shape", name, found, `${rows} x ${columns}`);
  }
  return tensor;
}
