/**
 * A GGUF's tokenizer and chat template as plain data, which can be cloned to another
 * thread. `tokenizer.ts` uses it.
 */
import type { Metadata } from "./metadata.ts";
import { malformed, unsupported } from "./model-error.ts";

/** llama.cpp's token types. */
export const TOKEN_TYPE = {
  normal: 1,
  unknown: 2,
  control: 3,
  userDefined: 4,
  unused: 5,
  byte: 6,
} as const;

export type TokenizerData = {
  /** "gpt2" is byte-level BPE; "llama" is SentencePiece's BPE with scores. */
  readonly model: "gpt2" | "llama";
  /** The name of the rule that splits text before merging (gpt2 only). */
  readonly pre: string;
  readonly tokens: readonly string[]; // [vocabulary]
  readonly types: Uint8Array; // [vocabulary]
  readonly scores: Float32Array | null; // [vocabulary]
  /** "left right", best first. */
  readonly merges: readonly string[];
  readonly bosToken: number | null;
  readonly eosToken: number | null;
  readonly unknownToken: number | null;
  readonly addBos: boolean;
  readonly addEos: boolean;
  readonly addSpacePrefix: boolean;
  /** Sampling one of these ends an answer. */
  readonly endTokens: readonly number[];
  readonly chatTemplate: string | null;
};

/** Encodes text without special tokens, and decodes normal tokens. One per kind of vocabulary. */
export type TextModel = {
  encode(text: string, afterSpecial: boolean): number[];
  /** The bytes of a normal token. */
  bytesOf(token: number): Uint8Array<ArrayBuffer>;
};

/** Throws a `ModelError` for an unsupported tokenizer. */
export function readTokenizerData(metadata: Metadata, vocabulary: number): TokenizerData {
  const model = metadata.text("tokenizer.ggml.model");
  if (model !== "gpt2" && model !== "llama") {
    throw unsupported("tokenizer", model, ["gpt2", "llama"]);
  }
  const tokens = metadata.texts("tokenizer.ggml.tokens");
  if (tokens === null || tokens.length === 0) throw malformed("no_tokens", "tokenizer.ggml.tokens");
  if (tokens.length > vocabulary) {
    throw malformed("too_many_tokens", "tokenizer.ggml.tokens", tokens.length, vocabulary);
  }
  const types = metadata.numbers("tokenizer.ggml.token_type");
  const scores = metadata.numbers("tokenizer.ggml.scores");
  if (model === "llama" && scores?.length !== tokens.length) {
    throw malformed("no_scores", "tokenizer.ggml.scores");
  }
  const pre = metadata.text("tokenizer.ggml.pre", "default");
  const token = (key: string, fallback: number | null = null): number | null =>
    tokenId(metadata, `tokenizer.ggml.${key}`, tokens.length) ?? fallback;
  const isSentencePiece = model === "llama";
  const eosToken = token("eos_token_id", isSentencePiece ? 2 : null);
  return {
    model,
    pre,
    tokens,
    types: Uint8Array.from(tokens, (text, i) =>
      // Some files mark these as normal. llama.cpp overrides that too.
      END_TEXTS.has(text) ? TOKEN_TYPE.control : (types?.[i] ?? TOKEN_TYPE.normal),
    ),
    scores: scores === null ? null : Float32Array.from(scores),
    merges: metadata.texts("tokenizer.ggml.merges") ?? [],
    bosToken: token("bos_token_id", isSentencePiece ? 1 : null),
    eosToken,
    unknownToken: token("unknown_token_id", isSentencePiece ? 0 : null),
    addBos:
      metadata.flag("tokenizer.ggml.add_bos_token") ?? (isSentencePiece || LLAMA3_PRE.has(pre)),
    addEos: metadata.flag("tokenizer.ggml.add_eos_token") ?? false,
    addSpacePrefix: metadata.flag("tokenizer.ggml.add_space_prefix") ?? isSentencePiece,
    endTokens: endTokens(tokens, [eosToken, token("eot_token_id"), token("eom_token_id")]),
    chatTemplate: metadata.has("tokenizer.chat_template")
      ? metadata.text("tokenizer.chat_template")
      : null,
  };
}

/** Pre-tokenizers that imply a leading BOS if the file does not specify it (llama-vocab.cpp). */
const LLAMA3_PRE = new Set(["llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral"]);

/**
 * Texts that end an answer in some family, whatever their type in the file: ends of
 * turns and texts, and the marks after a completed file. The list is llama.cpp's
 * (llama-vocab.cpp, MIT).
 */
const END_TEXTS = new Set([
  ...["<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>"],
  ...["</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<end_of_utterance>", "<eos>"],
  ...["<｜end▁of▁sentence｜>", "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"],
  ...["<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>"],
]);

function endTokens(tokens: readonly string[], named: readonly (number | null)[]): number[] {
  const ids = new Set(named.filter((id) => id !== null));
  for (const [id, text] of tokens.entries()) if (END_TEXTS.has(text)) ids.add(id);
  return [...ids].sort((a, b) => a - b);
}

function tokenId(metadata: Metadata, key: string, count: number): number | null {
  if (!metadata.has(key)) return null;
  const id = metadata.integer(key);
  // Converters write 2^32 - 1 for "none".
  return id < count ? id : null;
}
