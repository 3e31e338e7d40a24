/**
 * The architectures, as data. A row says what a GGUF header leaves unsaid; all
 * else is read from the header under the row's name. The next architecture with
 * the same arithmetic is a row here and nothing elsewhere.
 *
 * Facts: llama-arch.cpp and llama-model.cpp (llama.cpp, MIT).
 */
import type { ModelDescription, RopeDescription } from "./description.ts";
import type { GgufHeader } from "./gguf-header.ts";
import type { Metadata } from "./metadata.ts";
import { malformed, ModelError } from "./model-error.ts";
import { ropeFrequencies, ropeParameters } from "./rope-frequencies.ts";

type Architecture = {
  readonly ropePairs: RopeDescription["pairs"];
  /** RMS norm on each head of q and k before RoPE. */
  readonly headNorm: boolean;
  /** Whether q, k and v have biases; "optional": where the file has the tensors. */
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
    throw new ModelError(
      "unsupported",
      `The architecture ${JSON.stringify(name)} is not supported. Supported are ` +
        `${Object.keys(ARCHITECTURES).join(", ")}: choose a model of one of these families.`,
    );
  }
  refuseWhatWeLack(metadata, name);
  const sizes = readSizes(metadata, name);
  const embedding = tensors.get("token_embd.weight");
  if (embedding === undefined) throw malformed("it has no tensor token_embd.weight");
  const parameters = ropeParameters(metadata, name, sizes.headSize, sizes.contextTokens);
  if (parameters.dims % 2 !== 0 || parameters.dims > sizes.headSize || parameters.dims === 0) {
    throw malformed(`it rotates ${parameters.dims} of a head's ${sizes.headSize} numbers`);
  }
  if (ropeDivisors !== null && ropeDivisors.length !== parameters.dims / 2) {
    throw malformed(`rope_freqs has ${ropeDivisors.length} numbers, not ${parameters.dims / 2}`);
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

function readSizes(metadata: Metadata, name: string) {
  const hidden = positive(metadata.integer(`${name}.embedding_length`), "embedding_length");
  const heads = positive(metadata.uniformInteger(`${name}.attention.head_count`), "head_count");
  const keyValueHeads = positive(
    metadata.uniformInteger(`${name}.attention.head_count_kv`, heads),
    "head_count_kv",
  );
  const headSize = positive(
    metadata.integer(`${name}.attention.key_length`, hidden / heads),
    "key_length",
  );
  if (heads % keyValueHeads !== 0) {
    throw malformed(`its ${heads} heads do not share ${keyValueHeads} key-value heads evenly`);
  }
  return {
    layerCount: positive(metadata.integer(`${name}.block_count`), "block_count"),
    hidden,
    heads,
    keyValueHeads,
    headSize,
    feedForward: positive(
      metadata.uniformInteger(`${name}.feed_forward_length`),
      "feed_forward_length",
    ),
    contextTokens: positive(metadata.integer(`${name}.context_length`), "context_length"),
    normEpsilon: metadata.number(`${name}.attention.layer_norm_rms_epsilon`),
  };
}

function refuseWhatWeLack(metadata: Metadata, name: string): void {
  const parts = metadata.integer("split.count", 1);
  if (parts > 1) {
    throw new ModelError(
      "unsupported",
      `This file is one of ${parts} parts of a model. Join them with \`llama-gguf-split --merge\` and load the result.`,
    );
  }
  if (metadata.integer(`${name}.expert_count`, 0) > 0) {
    throw new ModelError(
      "unsupported",
      "This model is a mixture of experts, which is not supported. Choose a dense model.",
    );
  }
  const key = metadata.integer(`${name}.attention.key_length`, 0);
  const value = metadata.integer(`${name}.attention.value_length`, key);
  if (key !== 0 && key !== value) {
    throw new ModelError(
      "unsupported",
      `The model's keys (${key}) and values (${value}) differ in length, which is not supported.`,
    );
  }
}

function positive(value: number, what: string): number {
  if (value < 1 || !Number.isInteger(value)) throw malformed(`its ${what} is ${value}`);
  return value;
}
