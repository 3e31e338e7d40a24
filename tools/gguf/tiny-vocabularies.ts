/**
 * Small vocabularies, trained here and always the same, as GGUF metadata:
 * byte-level BPE for each pre-tokenizer, and SentencePiece with scores. llama.cpp
 * loads them too, which is how `scripts/goldens` makes their golden tokens.
 */
import type { GgufValue } from "./gguf-writer.ts";

const CORPUS =
  "the theory of there and then: hello Hello HELLO world worlds, don't I'll we're they've it's I'M YOU'LL " +
  "1 12 123 1234 12345 3.14159 2024-11-24 a  b   c    d\n\n\n\tx = y + 1; return f(x, y) { } [] () // comment\n" +
  "été été œuvre garçon naïve L'été l'œuvre über Straße Привет мир привет Ελληνικά עברית العربية हिन्दी ไทย " +
  "北京是中国的首都。今日は天気がいいです。한국어 안녕하세요 🍕🐱👩‍👩‍👧‍👦☀️ café cafe\u0301 CamelCaseWord snake_case_word " +
  "HTTPServerError getURL <html> </html> & && || != == === ... --- *** \"quoted\" 'single' `code` $100 50% #tag @user ";

const MERGES = 400;

export type Vocabulary = {
  readonly name: string;
  readonly metadata: Readonly<Record<string, GgufValue>>;
};

/** Trained once: tests and the fuzzer make thousands of files. */
let byteMerges: ReturnType<typeof train> | null = null;

function byteWords(alphabet: readonly string[]): string[][] {
  return [...CORPUS.matchAll(/ ?[^\s]+|\s+/gu)].map(([word]) =>
    [...new TextEncoder().encode(word)].map((byte) => alphabet[byte] ?? ""),
  );
}

/** Byte-level BPE; the specials are control tokens, "<tool>" is user-defined. */
export function byteLevelVocabulary(pre: string | null): Vocabulary {
  const alphabet = byteAlphabet();
  const merges = (byteMerges ??= train(byteWords(alphabet), MERGES));
  const specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool>"];
  const tokens = [...specials, ...alphabet, ...new Set(merges.map(([a, b]) => a + b))];
  const types = tokens.map((_, id) => (id < 3 ? 3 : id === 3 ? 4 : 1));
  return {
    name: `bpe-${pre ?? "none"}`,
    metadata: {
      ...ARCHITECTURE,
      "tokenizer.ggml.model": { type: "string", value: "gpt2" },
      ...(pre === null ? {} : { "tokenizer.ggml.pre": { type: "string", value: pre } as const }),
      "tokenizer.ggml.tokens": { type: "strings", value: tokens },
      "tokenizer.ggml.token_type": { type: "i32s", value: types },
      "tokenizer.ggml.merges": { type: "strings", value: merges.map((pair) => pair.join(" ")) },
      "tokenizer.ggml.bos_token_id": { type: "u32", value: 0 },
      "tokenizer.ggml.eos_token_id": { type: "u32", value: 2 },
    },
  };
}

/** SentencePiece: bytes, characters, and merged pieces whose score falls with their rank. */
export function sentencePieceVocabulary(addSpacePrefix: boolean): Vocabulary {
  const symbols = [...CORPUS.replaceAll(" ", "\u2581")];
  const merges = train([symbols], MERGES);
  const bytes = Array.from({ length: 256 }, (_, byte) => {
    return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
  });
  const pieces = [...new Set([...merges.map(([a, b]) => a + b), ...symbols])];
  const tokens = ["<unk>", "<s>", "</s>", ...bytes, ...pieces, "<|user|>"];
  const types = tokens.map((_, id) =>
    id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : id === tokens.length - 1 ? 4 : 1,
  );
  return {
    name: `sentencepiece-${addSpacePrefix ? "prefix" : "plain"}`,
    metadata: {
      ...ARCHITECTURE,
      "tokenizer.ggml.model": { type: "string", value: "llama" },
      "tokenizer.ggml.tokens": { type: "strings", value: tokens },
      "tokenizer.ggml.token_type": { type: "i32s", value: types },
      "tokenizer.ggml.scores": {
        type: "f32s",
        value: tokens.map((_, id) => (id < 259 ? 0 : -(id - 259))),
      },
      "tokenizer.ggml.bos_token_id": { type: "u32", value: 1 },
      "tokenizer.ggml.eos_token_id": { type: "u32", value: 2 },
      "tokenizer.ggml.unknown_token_id": { type: "u32", value: 0 },
      "tokenizer.ggml.add_space_prefix": { type: "bool", value: addSpacePrefix },
    },
  };
}

/** The metadata that llama.cpp requires before it reads a vocabulary. */
const ARCHITECTURE: Readonly<Record<string, GgufValue>> = {
  "general.architecture": { type: "string", value: "llama" },
  "llama.context_length": { type: "u32", value: 64 },
  "llama.embedding_length": { type: "u32", value: 32 },
  "llama.block_count": { type: "u32", value: 1 },
  "llama.feed_forward_length": { type: "u32", value: 32 },
  "llama.attention.head_count": { type: "u32", value: 1 },
  "llama.attention.layer_norm_rms_epsilon": { type: "f32", value: 1e-5 },
  "llama.rope.dimension_count": { type: "u32", value: 32 },
};

/** Merges the most common adjacent pair, `count` times; of equally common ones, the first. */
function train(words: string[][], count: number): [string, string][] {
  const merges: [string, string][] = [];
  let current = words;
  while (merges.length < count) {
    const counts = new Map<string, { pair: [string, string]; n: number }>();
    for (const word of current) {
      for (let i = 0; i + 1 < word.length; i++) {
        const pair: [string, string] = [word[i] ?? "", word[i + 1] ?? ""];
        const key = pair.join("\u0000");
        counts.set(key, { pair, n: (counts.get(key)?.n ?? 0) + 1 });
      }
    }
    let best: { pair: [string, string]; n: number } | null = null;
    for (const entry of counts.values()) if (best === null || entry.n > best.n) best = entry;
    if (best === null) return merges;
    const [left, right] = best.pair;
    merges.push([left, right]);
    current = current.map((word) => mergeWord(word, left, right));
  }
  return merges;
}

function mergeWord(word: readonly string[], left: string, right: string): string[] {
  const merged: string[] = [];
  for (let i = 0; i < word.length; i++) {
    const isPair = word[i] === left && word[i + 1] === right;
    merged.push(isPair ? left + right : (word[i] ?? ""));
    if (isPair) i++;
  }
  return merged;
}

/** GPT-2's characters for the 256 bytes, as its paper's code makes them. */
function byteAlphabet(): string[] {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let shifted = 256;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(printable(byte) ? byte : shifted++),
  );
}
