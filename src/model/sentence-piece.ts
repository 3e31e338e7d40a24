/**
 * Text to tokens and back for vocabularies of kind "llama" (SentencePiece BPE as
 * stored in GGUF, with scores and without merges).
 *
 *   start    one symbol per character; spaces are written as U+2581
 *   merge    the adjacent pair whose concatenation is the token with the highest
 *            score, leftmost first, until no pair is a token
 *   bytes    a symbol that is not a token becomes byte tokens <0xXX>
 *
 * Semantics: llm_tokenizer_spm in llama-vocab.cpp (llama.cpp, MIT).
 */
import { MergeQueue } from "./merge-queue.ts";
import { type TextModel, TOKEN_TYPE, type TokenizerData } from "./tokenizer-data.ts";

const SPACE_MARK = "\u2581";

export function sentencePiece(data: TokenizerData): TextModel {
  const { tokens, scores, types, addSpacePrefix, unknownToken } = data;
  const ids = new Map<string, number>();
  for (const [id, text] of tokens.entries()) if (!ids.has(text)) ids.set(text, id);
  const byteTokens = Array.from({ length: 256 }, (_, byte) => byteToken(ids, byte));
  const score = (text: string): number | null => {
    const id = ids.get(text);
    return id === undefined ? null : (scores?.[id] ?? 0);
  };
  const tokensOf = (symbol: string): number[] => {
    const id = ids.get(symbol);
    if (id !== undefined) return [id];
    return [...new TextEncoder().encode(symbol)].flatMap(
      (byte) => byteTokens[byte] ?? unknownToken ?? [],
    );
  };
  return {
    encode(text, afterSpecial) {
      const prefix = addSpacePrefix && afterSpecial ? " " : "";
      return mergeByScore((prefix + text).replaceAll(" ", SPACE_MARK), score).flatMap(tokensOf);
    },
    bytesOf(id) {
      const text = tokens[id] ?? "";
      const byte = types[id] === TOKEN_TYPE.byte ? /^<0x([0-9A-Fa-f]{2})>$/.exec(text) : null;
      if (byte !== null) return Uint8Array.of(Number.parseInt(byte[1] ?? "0", 16));
      return new TextEncoder().encode(text.replaceAll(SPACE_MARK, " "));
    },
  };
}

/** Symbols of `text` after all merges. `score` is null for a text that is not a token. */
function mergeByScore(text: string, score: (text: string) => number | null): string[] {
  const symbols = [...text];
  const next = symbols.map((_, i) => i + 1);
  const before = symbols.map((_, i) => i - 1);
  const queue = new MergeQueue();
  const propose = (left: number, right: number) => {
    if (left < 0 || right >= symbols.length) return;
    const merged = (symbols[left] ?? "") + (symbols[right] ?? "");
    const pairScore = score(merged);
    if (pairScore !== null) queue.push({ left, right, length: merged.length, score: pairScore });
  };
  for (let i = 0; i + 1 < symbols.length; i++) propose(i, i + 1);
  for (let pair = queue.pop(); pair !== undefined; pair = queue.pop()) {
    const { left, right, length } = pair;
    const leftText = symbols[left] ?? "";
    const rightText = symbols[right] ?? "";
    const isStale =
      leftText === "" || rightText === "" || leftText.length + rightText.length !== length;
    if (isStale) continue;
    symbols[left] = leftText + rightText;
    symbols[right] = "";
    const after = next[right] ?? symbols.length;
    next[left] = after;
    if (after < symbols.length) before[after] = left;
    propose(before[left] ?? -1, left);
    propose(left, after);
  }
  return symbols.filter((symbol) => symbol !== "");
}

function byteToken(ids: ReadonlyMap<string, number>, byte: number): number | undefined {
  const hex = byte.toString(16).toUpperCase().padStart(2, "0");
  return ids.get(`<0x${hex}>`) ?? ids.get(String.fromCharCode(byte));
}
