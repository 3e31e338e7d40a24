/**
 * How byte-level BPE splits a text before it merges, by the name in the GGUF
 * (`tokenizer.ggml.pre`). The patterns of a row are applied in order, each to the
 * pieces of the previous one: its matches and the gaps between them are pieces.
 *
 * The patterns are llama.cpp's (llama-vocab.cpp, MIT), which are adapted from the
 * models' own; `SPACE` stands for \s, because JavaScript's has U+FEFF and lacks U+0085.
 */
import { unsupported } from "./model-error.ts";

export type PreTokenizer = {
  readonly patterns: readonly RegExp[];
  /** A piece that is itself a token is not merged from parts. */
  readonly wholeWords: boolean;
};

const SPACE = "\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const TRAILING_SPACE = `[${SPACE}]+(?![^${SPACE}])|[${SPACE}]+`;
const CONTRACTION = "'s|'t|'re|'ve|'m|'ll|'d";
const CONTRACTION_ANY_CASE = "'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]";
const GPT2 = `${CONTRACTION}| ?\\p{L}+| ?\\p{N}+| ?[^${SPACE}\\p{L}\\p{N}]+|${TRAILING_SPACE}`;

/** The shape that Llama 3 and its many descendants share. */
function llama3Like(numbers: string): string {
  return (
    `(?:${CONTRACTION_ANY_CASE})|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${numbers}` +
    `| ?[^${SPACE}\\p{L}\\p{N}]+[\\r\\n]*|[${SPACE}]*[\\r\\n]+|${TRAILING_SPACE}`
  );
}

const NOT_LOWER = "(?:(?=\\p{L})[^a-z])";
const NOT_UPPER = "(?:(?=\\p{L})[^A-Z])";
const BEFORE = "[^\\r\\n\\p{L}\\p{N}]?";
/** Words that may change from upper to lower case once. */
const TEKKEN =
  `${BEFORE}${NOT_LOWER}*${NOT_UPPER}+|${BEFORE}${NOT_LOWER}+${NOT_UPPER}*|\\p{N}` +
  `| ?[^${SPACE}\\p{L}\\p{N}]+[\\r\\n/]*|[${SPACE}]*[\\r\\n]+|${TRAILING_SPACE}`;

type Family = {
  readonly names: readonly string[];
  readonly patterns: readonly string[];
  readonly wholeWords?: boolean;
};

const FAMILIES: readonly Family[] = [
  {
    names: ["default"],
    patterns: ["[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"],
  },
  {
    names: ["gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "roberta-bpe", "gigachat"],
    patterns: [GPT2],
  },
  {
    names: ["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"],
    patterns: ["\\p{N}", GPT2],
  },
  {
    names: ["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral"],
    patterns: [llama3Like("\\p{N}{1,3}")],
    wholeWords: true,
  },
  { names: ["dbrx", "smaug-bpe", "chatglm-bpe", "glm4"], patterns: [llama3Like("\\p{N}{1,3}")] },
  {
    names: ["qwen2", "stablelm2", "deepseek-r1-qwen", "megrez", "hunyuan", "solar-open"],
    patterns: [llama3Like("\\p{N}")],
  },
  {
    names: ["tekken"],
    patterns: [TEKKEN],
    wholeWords: true,
  },
  {
    names: ["deepseek-coder"],
    patterns: [
      "[\\r\\n]",
      `[${SPACE}]?\\p{L}+`,
      `[${SPACE}]?\\p{P}+`,
      "[一-龥\\u0800-一가-\\ud7ff]+",
      "\\p{N}",
    ],
  },
];

const BY_NAME: ReadonlyMap<string, Family> = new Map(
  FAMILIES.flatMap((family) => family.names.map((name) => [name, family] as const)),
);

/** Throws a `ModelError` for an unknown name. */
export function preTokenizer(name: string): PreTokenizer {
  const family = BY_NAME.get(name);
  if (family === undefined) {
    throw unsupported("pre_tokenizer", name, [...BY_NAME.keys()]);
  }
  return {
    patterns: family.patterns.map((pattern) => new RegExp(pattern, "gu")),
    wholeWords: family.wholeWords ?? false,
  };
}

/** The pieces of `text` in order. Their concatenation is `text`. */
export function splitText({ patterns }: PreTokenizer, text: string): string[] {
  let pieces = [text];
  for (const pattern of patterns) pieces = pieces.flatMap((piece) => splitOnce(pattern, piece));
  return pieces;
}

function splitOnce(pattern: RegExp, text: string): string[] {
  const pieces: string[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) pieces.push(text.slice(end, match.index));
    if (match[0] !== "") pieces.push(match[0]);
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push(text.slice(end));
  return pieces;
}
