/** A model of one or two layers with random-looking bytes, as a GGUF file that opens. */
import { type GgufTensor, type GgufValue, writeGguf } from "./gguf-writer.ts";
import { byteLevelVocabulary } from "./tiny-vocabularies.ts";

export type TinyModelOptions = {
  readonly architecture?: string;
  readonly version?: number;
  readonly metadata?: Readonly<Record<string, GgufValue | undefined>>;
  /** Takes the tensors and returns those to write. */
  readonly change?: (tensors: GgufTensor[]) => GgufTensor[];
};

export const TINY = { hidden: 32, heads: 4, keyValueHeads: 2, feedForward: 64, layers: 2 };
const F32 = 0;

export function tinyModel(options: TinyModelOptions = {}): Uint8Array<ArrayBuffer> {
  const architecture = options.architecture ?? "llama";
  const vocabulary = byteLevelVocabulary("llama-bpe").metadata;
  const u32 = (value: number): GgufValue => ({ type: "u32", value });
  const metadata: Record<string, GgufValue | undefined> = {
    ...Object.fromEntries(Object.entries(vocabulary).filter(([key]) => !key.startsWith("llama."))),
    "general.architecture": { type: "string", value: architecture },
    [`${architecture}.context_length`]: u32(64),
    [`${architecture}.embedding_length`]: u32(TINY.hidden),
    [`${architecture}.block_count`]: u32(TINY.layers),
    [`${architecture}.feed_forward_length`]: u32(TINY.feedForward),
    [`${architecture}.attention.head_count`]: u32(TINY.heads),
    [`${architecture}.attention.head_count_kv`]: u32(TINY.keyValueHeads),
    [`${architecture}.attention.layer_norm_rms_epsilon`]: { type: "f32", value: 1e-5 },
    ...options.metadata,
  };
  const tokens = vocabulary["tokenizer.ggml.tokens"];
  const tensors = tinyTensors(architecture, tokens?.type === "strings" ? tokens.value.length : 0);
  return writeGguf({
    ...(options.version === undefined ? {} : { version: options.version }),
    metadata: Object.fromEntries(
      Object.entries(metadata).filter(
        (entry): entry is [string, GgufValue] => entry[1] !== undefined,
      ),
    ),
    tensors: options.change?.(tensors) ?? tensors,
  });
}

export function f32Tensor(name: string, ...shape: number[]): GgufTensor {
  const bytes = new Uint8Array(4 * shape.reduce((product, size) => product * size, 1));
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31 + name.length * 7) & 0x3f;
  return { name, shape, ggmlType: F32, bytes };
}

function tinyTensors(architecture: string, vocabulary: number): GgufTensor[] {
  const { hidden, heads, keyValueHeads, feedForward, layers } = TINY;
  const keys = (hidden / heads) * keyValueHeads;
  const layer = (i: number): GgufTensor[] => [
    f32Tensor(`blk.${i}.attn_norm.weight`, hidden),
    f32Tensor(`blk.${i}.attn_q.weight`, hidden, hidden),
    f32Tensor(`blk.${i}.attn_k.weight`, hidden, keys),
    f32Tensor(`blk.${i}.attn_v.weight`, hidden, keys),
    f32Tensor(`blk.${i}.attn_output.weight`, hidden, hidden),
    f32Tensor(`blk.${i}.ffn_norm.weight`, hidden),
    f32Tensor(`blk.${i}.ffn_gate.weight`, hidden, feedForward),
    f32Tensor(`blk.${i}.ffn_up.weight`, hidden, feedForward),
    f32Tensor(`blk.${i}.ffn_down.weight`, feedForward, hidden),
    ...(architecture === "qwen2"
      ? [
          f32Tensor(`blk.${i}.attn_q.bias`, hidden),
          f32Tensor(`blk.${i}.attn_k.bias`, keys),
          f32Tensor(`blk.${i}.attn_v.bias`, keys),
        ]
      : []),
    ...(architecture === "qwen3"
      ? [
          f32Tensor(`blk.${i}.attn_q_norm.weight`, hidden / heads),
          f32Tensor(`blk.${i}.attn_k_norm.weight`, hidden / heads),
        ]
      : []),
  ];
  return [
    f32Tensor("token_embd.weight", hidden, vocabulary),
    ...Array.from({ length: layers }, (_, i) => layer(i)).flat(),
    f32Tensor("output_norm.weight", hidden),
  ];
}
