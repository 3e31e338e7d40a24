/**
 * A model folder for one of MLC's WebAssembly libraries (https://github.com/mlc-ai/binary-mlc-llm-libs) with
 * random weights: what WebLLM 0.2.79 and older downloads besides the library. Newer ones call
 * ndarray-cache.json tensor-cache.json.
 */
import { numberToFloat16 } from "../../src/tensor/index.ts";

type Parameter = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: Dtype;
};
type Dtype = "uint32" | "float16" | "float32";

/** The part of a library's metadata that its model must fit. */
type LibraryMetadata = {
  readonly model_type: string;
  readonly quantization: string;
  readonly context_window_size: number;
  readonly sliding_window_size: number;
  readonly attention_sink_size: number;
  readonly prefill_chunk_size: number;
  readonly params: readonly Parameter[];
};

/** As MLC packs its own models: a larger parameter has a file of its own. */
const SHARD_BYTES = 32 * 2 ** 20;
/** Scales of 4-bit weights and biases: the layers' sums stay within f16. */
const SCALE = 2 ** -7;
const MAX_RANDOM_BYTES = 65_536;

/** Writes the folder's files; the tokenizer is a byte-level BPE. Throws where `library` has no metadata. */
export function writeSyntheticMlc(
  library: Buffer,
  tokenizer: { readonly tokens: readonly string[]; readonly merges: readonly string[] },
  write: (name: string, content: string | Uint8Array) => void,
): void {
  const metadata = libraryMetadata(library);
  const records = groupShards(metadata.params).map((params, i) => {
    const dataPath = `params_shard_${i}.bin`;
    write(dataPath, Buffer.concat(params.map(randomParameter)));
    let nbytes = 0;
    const own = params.map((param) => {
      const record = { ...param, format: "raw", nbytes: bytesOf(param), byteOffset: nbytes };
      nbytes += record.nbytes;
      return record;
    });
    return { dataPath, format: "raw-shard", nbytes, records: own };
  });
  write("ndarray-cache.json", JSON.stringify({ metadata: {}, records }));
  write("mlc-chat-config.json", JSON.stringify(chatConfig(metadata)));
  write("tokenizer.json", JSON.stringify(byteLevelBpe(tokenizer)));
}

/** What the library's function `_metadata` returns: printable text among its data. */
function libraryMetadata(library: Buffer): LibraryMetadata {
  const text = /\{"model_type"[ -~]*/.exec(library.toString("latin1"))?.[0];
  if (text === undefined) throw new Error("this is no model library of MLC: it has no metadata");
  return JSON.parse(text) as LibraryMetadata;
}

const bytesOf = ({ shape, dtype }: Parameter) =>
  shape.reduce((product, size) => product * size, dtype === "float16" ? 2 : 4);

function groupShards(params: readonly Parameter[]): Parameter[][] {
  const shards: Parameter[][] = [];
  let bytes = Infinity;
  for (const param of params) {
    if (bytes + bytesOf(param) > SHARD_BYTES) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(param);
    bytes += bytesOf(param);
  }
  return shards;
}

function randomParameter(param: Parameter): Uint8Array {
  const bytes = Buffer.alloc(bytesOf(param));
  const value = param.name.includes("norm") ? 1 : SCALE;
  if (param.dtype === "float32") return bytes.fill(new Uint8Array(Float32Array.of(value).buffer));
  if (param.dtype === "float16")
    return bytes.fill(new Uint8Array(Uint16Array.of(numberToFloat16(value)).buffer));
  for (let at = 0; at < bytes.length; at += MAX_RANDOM_BYTES) {
    crypto.getRandomValues(bytes.subarray(at, at + MAX_RANDOM_BYTES));
  }
  return bytes;
}

/** The chat template adds nothing, so that a prompt has as many tokens as its text. */
function chatConfig({ params, ...metadata }: LibraryMetadata) {
  const { quantization, context_window_size, sliding_window_size } = metadata;
  return {
    model_type: metadata.model_type,
    ...{ quantization, context_window_size, sliding_window_size },
    attention_sink_size: metadata.attention_sink_size,
    prefill_chunk_size: metadata.prefill_chunk_size,
    vocab_size: params.find(({ name }) => name.includes("embed_tokens"))!.shape[0],
    tokenizer_files: ["tokenizer.json"],
    tokenizer_info: {
      token_postproc_method: "byte_level",
      ...{ prepend_space_in_encode: false, strip_space_in_decode: false },
    },
    conv_template: {
      name: "bench",
      ...{ system_template: "{system_message}", system_message: "" },
      roles: { user: "", assistant: "" },
      role_templates: { user: "{user_message}", assistant: "{assistant_message}" },
      ...{ seps: [""], role_content_sep: "", role_empty_sep: "" },
      ...{ stop_str: [], stop_token_ids: [] },
    },
    ...{ temperature: 0, top_p: 1, repetition_penalty: 1, bos_token_id: 0, eos_token_id: 0 },
  };
}

/** A tokenizer.json of https://github.com/huggingface/tokenizers. */
function byteLevelBpe({
  tokens,
  merges,
}: {
  readonly tokens: readonly string[];
  readonly merges: readonly string[];
}) {
  const byteLevel = {
    type: "ByteLevel",
    add_prefix_space: false,
    trim_offsets: true,
    use_regex: true,
  };
  return {
    version: "1.0",
    added_tokens: [],
    pre_tokenizer: byteLevel,
    decoder: byteLevel,
    model: {
      type: "BPE",
      vocab: Object.fromEntries(tokens.map((text, id) => [text, id])),
      merges,
    },
  };
}
