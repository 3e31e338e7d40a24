/** Published models as shapes without weights, to plan shards of any size. */
import type { LayerTensors, ShardDescription, TensorInfo } from "../../src/model/index.ts";
import { type BlockFormat, rowBytes } from "../../src/tensor/index.ts";

export type ModelShape = {
  readonly name: string;
  readonly hidden: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  /** Of most matrices; and of the value projection, down, and the head, as in Q4_K_M. */
  readonly formats: readonly [BlockFormat, BlockFormat];
  readonly qwen: boolean;
};

const shape = (
  name: string,
  [hidden, heads, keyValueHeads, headSize, feedForward, vocabulary]: readonly [
    number,
    number,
    number,
    number,
    number,
    number,
  ],
  formats: ModelShape["formats"],
  qwen = false,
): ModelShape => ({
  ...{ name, hidden, heads, keyValueHeads, headSize, feedForward, vocabulary, formats, qwen },
});

/** From the models' configurations on Hugging Face. */
export const MODEL_SHAPES: readonly ModelShape[] = [
  shape("SmolLM2-135M", [576, 9, 3, 64, 1536, 49_152], ["Q4_1", "Q8_0"]),
  shape("Qwen2.5-0.5B", [896, 14, 2, 64, 4864, 151_936], ["Q4_0", "Q8_0"], true),
  shape("Gemma-3-1B's sizes", [1152, 4, 1, 256, 6912, 262_144], ["Q4_0", "F16"]),
  shape("Llama-3.2-1B", [2048, 32, 8, 64, 8192, 128_256], ["Q4_K", "Q6_K"]),
  shape("Llama-3.1-8B", [4096, 32, 8, 128, 14_336, 128_256], ["Q4_K", "Q6_K"]),
  shape("Qwen2.5-14B", [5120, 40, 8, 128, 13_824, 152_064], ["Q5_K", "Q6_K"], true),
  shape("Llama-3.1-70B", [8192, 64, 8, 128, 28_672, 128_256], ["Q4_K", "F16"]),
];

/** A shard with the embedding, two layers, and the head: all dispatches and buffers of a longer one. */
export function describeShape(shape: ModelShape, contextTokens: number): ShardDescription {
  const { hidden, heads, keyValueHeads, headSize, feedForward, vocabulary, qwen } = shape;
  const [format, other] = shape.formats;
  const tensor = (name: string, rows: number, columns: number, own = format): TensorInfo => ({
    ...{ name, format: own, rows, columns, offsetBytes: 0 },
    lengthBytes: rows * rowBytes(own, columns),
  });
  const vector = (name: string, columns: number) => tensor(name, 1, columns, "F32");
  const bias = (name: string, columns: number) => (qwen ? vector(name, columns) : null);
  const [query, keyValue] = [heads * headSize, keyValueHeads * headSize];
  const layer = (own: BlockFormat): LayerTensors => ({
    attentionNorm: vector("attn_norm", hidden),
    query: tensor("q", query, hidden),
    key: tensor("k", keyValue, hidden),
    value: tensor("v", keyValue, hidden, own),
    queryBias: bias("q_bias", query),
    keyBias: bias("k_bias", keyValue),
    valueBias: bias("v_bias", keyValue),
    queryNorm: null,
    keyNorm: null,
    attentionOutput: tensor("o", hidden, query),
    feedForwardNorm: vector("ffn_norm", hidden),
    gate: tensor("gate", feedForward, hidden),
    up: tensor("up", feedForward, hidden, own),
    down: tensor("down", hidden, feedForward, own),
  });
  return {
    model: {
      ...{ architecture: qwen ? "qwen2" : "llama", layerCount: 2, contextTokens },
      ...{ hidden, heads, keyValueHeads, headSize, feedForward, vocabulary },
      normEpsilon: 1e-5,
      attentionScale: headSize ** -0.5,
      rope: {
        pairs: qwen ? "halves" : "interleaved",
        dims: headSize,
        frequencies: Float64Array.from({ length: headSize / 2 }, (_, i) => 1e4 ** (-i / headSize)),
        magnitude: 1,
      },
      attentionBias: qwen,
      headNorm: false,
      tiedHead: false,
    },
    first: 0,
    end: 2,
    layers: [layer(format), layer(other)],
    embedding: tensor("token_embd.weight", vocabulary, hidden),
    head: tensor("output.weight", vocabulary, hidden, other),
    outputNorm: vector("output_norm", hidden),
  };
}
