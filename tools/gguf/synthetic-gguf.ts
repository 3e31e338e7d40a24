/** A model file of a published shape with random weights, written part by part. */
import { BLOCK_FORMATS, type BlockFormat, randomBlocks } from "../../src/tensor/index.ts";
import { randomSource } from "../gpu/random.ts";
import { type GgufValue, writeGgufHeader } from "./gguf-writer.ts";

/** From the models' configurations on Hugging Face. */
export const SHAPES = {
  // Almost no work: what remains of a token's time is the way between threads and tabs.
  tiny: { architecture: "llama", layers: 6, hidden: 64, heads: 1, keyValueHeads: 1, feedForward: 64, vocabulary: 49_152 }, // prettier-ignore
  "qwen2.5-0.5b": { architecture: "qwen2", layers: 24, hidden: 896, heads: 14, keyValueHeads: 2, feedForward: 4864, vocabulary: 151_936 }, // prettier-ignore
  "qwen2.5-1.5b": { architecture: "qwen2", layers: 28, hidden: 1536, heads: 12, keyValueHeads: 2, feedForward: 8960, vocabulary: 151_936 }, // prettier-ignore
  "llama-3.2-1b": { architecture: "llama", layers: 16, hidden: 2048, heads: 32, keyValueHeads: 8, feedForward: 8192, vocabulary: 128_256 }, // prettier-ignore
  "llama-3.1-8b": { architecture: "llama", layers: 32, hidden: 4096, heads: 32, keyValueHeads: 8, feedForward: 14_336, vocabulary: 128_256 }, // prettier-ignore
} as const;

export type SyntheticShape = {
  readonly architecture: string;
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly feedForward: number;
  readonly vocabulary: number;
};

/** Metadata as `@huggingface/gguf` reads it; the numbers of types are the specification's. */
type TypedMetadata = Readonly<
  Record<string, { readonly value: unknown; readonly type: number; readonly subType?: number }>
>;

/**
 * Writes the file's parts in order and returns their bytes. `like` is the metadata of a model whose
 * tokenizer is used; its vocabulary may be smaller. Throws for an unknown shape or format.
 */
export function writeSynthetic(
  { name, format }: { readonly name: string; readonly format: string },
  like: TypedMetadata,
  write: (part: Uint8Array) => void,
  shapes: Readonly<Record<string, SyntheticShape>> = SHAPES,
): number {
  const shape = shapes[name.toLowerCase()];
  if (shape === undefined) {
    throw new Error(`there is no shape ${name}; there are ${Object.keys(shapes).join(", ")}`);
  }
  const quantized = Object.keys(BLOCK_FORMATS).find(
    (known) => known.toLowerCase() === format.toLowerCase(),
  ) as BlockFormat | undefined;
  if (quantized === undefined) throw new Error(`there is no block format ${format}`);
  const tensors = tensorsOf(shape, quantized);
  const header = writeGgufHeader({
    metadata: { ...tokenizerOf(like, shape.vocabulary), ...describe(shape) },
    tensors,
  });
  write(header);
  let bytes = header.length;
  for (const { format: own, weights } of tensors) {
    const size = bytesOf(own, weights);
    const chunk = CHUNKS[own] ?? (CHUNKS[own] = randomBlocks(own, CHUNK_WEIGHTS, randomSource(1)));
    for (let at = 0; at < size; at += chunk.length) write(chunk.subarray(0, size - at));
    write(new Uint8Array(padding(size)));
    bytes += size + padding(size);
  }
  return bytes;
}

/** Whole blocks of every format. The same random ones are repeated: their values cost nothing. */
const CHUNK_WEIGHTS = 2 ** 20;
const CHUNKS: Partial<Record<BlockFormat, Uint8Array<ArrayBuffer>>> = {};

const bytesOf = (format: BlockFormat, weights: number) =>
  (weights / BLOCK_FORMATS[format].weights) * BLOCK_FORMATS[format].bytes;
const padding = (bytes: number) => (32 - (bytes % 32)) % 32;

function tensorsOf(shape: SyntheticShape, quantized: BlockFormat) {
  const { layers, hidden, heads, keyValueHeads, feedForward, vocabulary } = shape;
  const keys = (hidden / heads) * keyValueHeads;
  const tensor = (name: string, sizes: readonly number[], format: BlockFormat = quantized) => {
    const weights = sizes.reduce((product, size) => product * size, 1);
    const { ggmlType } = BLOCK_FORMATS[format];
    return {
      name,
      shape: sizes,
      ggmlType,
      format,
      weights,
      bytes: { length: bytesOf(format, weights) },
    };
  };
  const vector = (name: string, size: number) => tensor(name, [size], "F32");
  const layer = (i: number) => [
    vector(`blk.${i}.attn_norm.weight`, hidden),
    tensor(`blk.${i}.attn_q.weight`, [hidden, hidden]),
    tensor(`blk.${i}.attn_k.weight`, [hidden, keys]),
    tensor(`blk.${i}.attn_v.weight`, [hidden, keys]),
    ...(shape.architecture === "qwen2"
      ? [["q", hidden] as const, ["k", keys] as const, ["v", keys] as const].map(([part, size]) =>
          vector(`blk.${i}.attn_${part}.bias`, size),
        )
      : []),
    tensor(`blk.${i}.attn_output.weight`, [hidden, hidden]),
    vector(`blk.${i}.ffn_norm.weight`, hidden),
    tensor(`blk.${i}.ffn_gate.weight`, [hidden, feedForward]),
    tensor(`blk.${i}.ffn_up.weight`, [hidden, feedForward]),
    tensor(`blk.${i}.ffn_down.weight`, [feedForward, hidden]),
  ];
  return [
    tensor("token_embd.weight", [hidden, vocabulary]),
    ...Array.from({ length: layers }, (_, i) => layer(i)).flat(),
    vector("output_norm.weight", hidden),
  ];
}

function describe(shape: SyntheticShape): Record<string, GgufValue> {
  const { architecture, layers, hidden, heads, keyValueHeads, feedForward } = shape;
  const numbers = {
    context_length: 32_768,
    embedding_length: hidden,
    block_count: layers,
    feed_forward_length: feedForward,
    "attention.head_count": heads,
    "attention.head_count_kv": keyValueHeads,
  };
  return {
    "general.architecture": { type: "string", value: architecture },
    ...Object.fromEntries(
      Object.entries(numbers).map(([key, value]) => [
        `${architecture}.${key}`,
        { type: "u32", value } as const,
      ]),
    ),
    [`${architecture}.attention.layer_norm_rms_epsilon`]: { type: "f32", value: 1e-5 },
  };
}

/** The specification's types, as far as tokenizers use them. */
const SCALARS: Readonly<Record<number, string>> = {
  4: "u32",
  5: "i32",
  6: "f32",
  7: "bool",
  8: "string",
};
const LISTS: Readonly<Record<number, string>> = { 5: "i32s", 6: "f32s", 8: "strings" };

/** What fills a list up to the vocabulary's size, which llama.cpp requires: unused tokens. */
const FILLING: Readonly<Record<string, (index: number) => number | string>> = {
  "tokenizer.ggml.tokens": (index) => `<unused ${index}>`,
  "tokenizer.ggml.token_type": () => 5,
  "tokenizer.ggml.scores": () => 0,
};

function tokenizerOf(like: TypedMetadata, vocabulary: number): Record<string, GgufValue> {
  const entries = Object.entries(like).filter(([key]) => key.startsWith("tokenizer."));
  return Object.fromEntries(
    entries.flatMap(([key, { value, type, subType = -1 }]) => {
      const known = type === 9 ? LISTS[subType] : SCALARS[type];
      if (known === undefined) return [];
      const fill = FILLING[key];
      const items = value as readonly (number | string)[];
      const filled = fill ? [...items, ...missing(vocabulary - items.length).map(fill)] : value;
      return [[key, { type: known, value: filled } as GgufValue]];
    }),
  );
}

const missing = (count: number) => Array.from({ length: Math.max(0, count) }, (_, i) => i);
