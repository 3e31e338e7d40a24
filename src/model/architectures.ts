/**
 * The architectures, as data. A row has what a GGUF header leaves out; everything
 * else is read from the header under the row's name. Another architecture with the
 * same arithmetic is one more row.
 *
 * Facts: llama-arch.cpp and llama-model.cpp (llama.cpp, MIT).
 */
import type { ModelDescription, RopeDescription } from "./description.ts";
import type { GgufHeader } from "./gguf-header.ts";
import type { Metadata } from "./metadata.ts";
import { malformed, unsupported } from "./model-error.ts";
import { ropeFrequencies, ropeParameters } from "./rope-frequencies.ts";

type Architecture = {
  readonly ropePairs: RopeDescription["pairs"];
  /** RMS norm on each head of q and k before RoPE. */
  readonly headNorm: boolean;
  /** Whether q, k, and v have biases. "optional": if the file has the tensors. */
  readonly attentionBias: "required" | "optional" | "none";
};

export const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  llama: { ropePairs: "interleaved", headNorm: false, attentionBias: "optional" },
  qwen2: { ropePairs: "halves", headNorm: false, attentionBias: "required" },
  qwen3: { ropePairs: "halves", headNorm: true, attentionBias: "none" },
};

/** Read from the header alone; `ropeDivisors` is the tensor rope_freqs, already loaded, or null. */
export function describeModel(
  { metadata, tensors }: GgufHeader,
  ropeDivisors: Float32Array | null,
): ModelDescription {
  const name = metadata.text("general.architecture");
  const row = Object.hasOwn(ARCHITECTURES, name) ? ARCHITECTURES[name] : undefined;
  if (row === undefined) {
    throw unsupported("architecture", name, Object.keys(ARCHITECTURES));
  }
  refuseUnsupported(metadata, name);
  const sizes = readSizes(metadata, name);
  if (sizes.layerCount > tensors.size)
    throw malformed("over_limit", "block_count", sizes.layerCount, tensors.size);
  if (sizes.headSize > MAX_HEAD_SIZE)
    throw malformed("over_limit", "key_length", sizes.headSize, MAX_HEAD_SIZE);
  const embedding = tensors.get("token_embd.weight");
  if (embedding === undefined) throw malformed("missing_tensor", "token_embd.weight");
  const parameters = ropeParameters(metadata, name, sizes.headSize, sizes.contextTokens);
  if (parameters.dims % 2 !== 0 || parameters.dims > sizes.headSize || parameters.dims === 0) {
    throw malformed("invalid_value", `${name}.rope.dimension_count`, parameters.dims);
  }
  if (ropeDivisors !== null && ropeDivisors.length !== parameters.dims / 2) {
    const { length } = ropeDivisors;
    throw malformed("invalid_shape", "rope_freqs.weight", length, parameters.dims / 2);
  }
  const bias = tensors.has("blk.0.attn_q.bias");
  return {
    architecture: name,
    ...sizes,
    vocabulary: embedding.rows,
    attentionScale: metadata.number(`${name}.attention.scale`, 0) || 1 / Math.sqrt(sizes.headSize),
    rope: {
      pairs: row.ropePairs,
      dims: parameters.dims,
      ...ropeFrequencies(parameters, ropeDivisors),
    },
    attentionBias: row.attentionBias === "optional" ? bias : row.attentionBias === "required",
    headNorm: row.headNorm,
    tiedHead: !tensors.has("output.weight"),
  };
}

/** Real heads have 64 to 256 numbers. RoPE keeps an angle for each pair of them. */
const MAX_HEAD_SIZE = 8192;

function readSizes(metadata: Metadata, name: string) {
  const size = (key: string, fallback?: number) =>
    positive(metadata.uniformInteger(`${name}.${key}`, fallback), key);
  const hidden = size("embedding_length");
  const heads = size("attention.head_count");
  const keyValueHeads = size("attention.head_count_kv", heads);
  if (heads % keyValueHeads !== 0)
    throw malformed("uneven_heads", "head_count_kv", heads, keyValueHeads);
  return {
    layerCount: size("block_count"),
    hidden,
    heads,
    keyValueHeads,
    headSize: size("attention.key_length", hidden / heads),
    feedForward: size("feed_forward_length"),
    contextTokens: size("context_length"),
    normEpsilon: metadata.number(`${name}.attention.layer_norm_rms_epsilon`),
  };
}

function refuseUnsupported(metadata: Metadata, name: string): void {
  const parts = metadata.integer("split.count", 1);
  if (parts > 1) throw unsupported("split_file", parts);
  if (metadata.integer(`${name}.expert_count`, 0) > 0) throw unsupported("experts");
  const key = metadata.integer(`${name}.attention.key_length`, 0);
  const value = metadata.integer(`${name}.attention.value_length`, key);
  if (key !== 0 && key !== value) throw unsupported("head_sizes", `${key} and ${value}`);
}

function positive(value: number, key: string): number {
  if (value < 1 || !Number.isInteger(value))
    throw malformed("invalid_value", key.replace("attention.", ""), value);
  return value;
}
