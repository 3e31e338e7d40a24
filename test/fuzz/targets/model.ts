/** The header of a model's file, and all that is read from it. */
import { chunkMapBytes, decodeChunkMap, encodeChunkMap } from "../../../src/model/chunks.ts";
import { scanHeader } from "../../../src/model/gguf-scan.ts";
import { ModelError } from "../../../src/model/model-error.ts";
import { openModel } from "../../../src/model/index.ts";
import type { Random } from "../../../tools/placement/random.ts";
import type { GgufTensor, GgufValue } from "../../../tools/gguf/gguf-writer.ts";
import { tinyModel } from "../../../tools/gguf/tiny-gguf.ts";
import type { FuzzTarget } from "../../../tools/fuzz/fuzz.ts";
import { type Bytes, mutatedBytes } from "../../../tools/fuzz/mutate.ts";

const MODELS: readonly Bytes[] = ["llama", "qwen2", "qwen3"].map((architecture) =>
  tinyModel({ architecture }),
);
/** Up to the end of the table of tensors; the mutations are mostly there. */
const HEADERS = MODELS.map((model) => {
  const scan = scanHeader(model, model.length);
  return model.slice(0, scan.kind === "complete" ? scan.headerBytes : model.length);
});

const isModelError = (error: unknown) => error instanceof ModelError;

export const ggufHeaders: FuzzTarget<Bytes> = {
  name: "gguf-headers",
  generate: (random) => mutatedBytes(HEADERS, random),
  decode: (bytes) => scanHeader(bytes, bytes.length),
  isRefusal: isModelError,
};

export const ggufFiles: FuzzTarget<Bytes> = {
  name: "gguf-files",
  generate(random: Random) {
    const which = random.whole(0, MODELS.length - 1);
    const [header, model] = [HEADERS[which]!, MODELS[which]!];
    const data = model.subarray(header.length);
    const edited = mutatedBytes([header], random);
    const bytes = new Uint8Array(edited.length + data.length);
    bytes.set(edited);
    bytes.set(data, edited.length);
    return bytes;
  },
  decode: openAll,
  isRefusal: isModelError,
  // A header becomes JavaScript values: a text per token, an object per tensor.
};

/** Files that are whole, with hostile values in their metadata and their table of tensors. */
export const ggufValues: FuzzTarget<Bytes> = {
  name: "gguf-values",
  generate: (random) =>
    tinyModel({
      architecture: random.pick(["llama", "qwen2", "qwen3"]),
      metadata: Object.fromEntries(
        Array.from({ length: random.whole(0, 2) }, () => [random.pick(KEYS), hostileValue(random)]),
      ),
      change: (tensors) =>
        tensors.map((tensor) =>
          random.whole(0, 20) > 0 ? tensor : { ...tensor, ...hostileTensor(tensor, random) },
        ),
    }),
  decode: openAll,
  isRefusal: isModelError,
};

async function openAll(bytes: Bytes): Promise<void> {
  const source = {
    fileBytes: bytes.length,
    label: "hostile.gguf",
    read: (offset: number, length: number) => {
      if (offset + length > bytes.length) throw new Error("a read past the end");
      return Promise.resolve(bytes.slice(offset, offset + length));
    },
  };
  const model = await openModel(source, { kind: "url", url: "http://x/hostile.gguf" });
  model.shard(0, model.summary.layers.length);
}

const KEYS: readonly string[] = [
  ...["general.architecture", "general.alignment", "llama.block_count", "llama.context_length"],
  ...["llama.embedding_length", "llama.feed_forward_length", "llama.attention.head_count"],
  ...["llama.attention.head_count_kv", "llama.attention.key_length", "llama.rope.freq_base"],
  ...["llama.rope.dimension_count", "llama.rope.scaling.type", "llama.rope.scaling.factor"],
  ...["llama.attention.layer_norm_rms_epsilon", "tokenizer.ggml.model", "tokenizer.ggml.tokens"],
  ...["tokenizer.ggml.token_type", "tokenizer.ggml.merges", "tokenizer.ggml.scores"],
  ...["tokenizer.ggml.bos_token_id", "tokenizer.chat_template", "split.count", "x"],
];

function hostileValue(random: Random): GgufValue {
  const number = random.pick([0, 1, 3, 255, 65_536, 2 ** 31, 2 ** 32 - 1]);
  return random.pick<GgufValue>([
    { type: "u32", value: number },
    { type: "i32", value: -number },
    { type: "u64", value: random.pick([0n, 2n ** 32n, 2n ** 40n, 2n ** 53n + 1n, 2n ** 64n - 1n]) },
    { type: "f32", value: random.pick([0, -1, 1e38, Infinity, NaN, number]) },
    { type: "bool", value: true },
    {
      type: "string",
      value: random.pick(["", "llama", "gpt2", "yarn", "x".repeat(3000), "{% if %}"]),
    },
    { type: "strings", value: random.pick([[], [""], ["a", "a"], ["a b"], ["x".repeat(3000)]]) },
    { type: "i32s", value: random.pick([[], [number], [1, 2, 3], [number, number]]) },
    { type: "f32s", value: random.pick([[], [NaN], [number, -number]]) },
  ]);
}

function hostileTensor({ name, shape }: GgufTensor, random: Random): Partial<GgufTensor> {
  const size = random.pick([0, 1, 31, 2 ** 20, 2 ** 32, 2 ** 52, 2 ** 63]);
  return random.pick<Partial<GgufTensor>>([
    { name: random.pick(["", "token_embd.weight", `${name}x`, "x".repeat(2000)]) },
    { shape: [size, ...shape.slice(1)] },
    { shape: [...shape, size] },
    { shape: [] },
    { offset: random.pick([0, 1, 32, 2 ** 40, 2 ** 53, 2 ** 63]) },
    { ggmlType: random.pick([1, 2, 16, 99, 2 ** 31]) },
    { bytes: new Uint8Array(random.whole(0, 64)) },
  ]);
}

const FILE_BYTES = 5_000_000;

export const chunkMaps: FuzzTarget<Bytes> = {
  name: "chunk-maps",
  generate(random) {
    const held = new Set([0, 2]);
    const leaf = new Uint8Array(32).fill(random.whole(1, 255));
    const map = encodeChunkMap({ held, leaves: new Map([[2, leaf]]) }, FILE_BYTES);
    return mutatedBytes([map, new Uint8Array(chunkMapBytes(FILE_BYTES))], random);
  },
  decode: (bytes) => decodeChunkMap(bytes, FILE_BYTES),
  isRefusal: () => false,
};
