/**
 * Text to tokens and back for vocabularies of kind "gpt2": split, spell in bytes,
 * merge by rank. `@huggingface/tokenizers` does the merging.
 */
import { BPE } from "@huggingface/tokenizers";
import { spellBytes, unspellBytes } from "./byte-alphabet.ts";
import { preTokenizer, splitText } from "./pre-tokenizers.ts";
import type { TextModel } from "./text-model.ts";
import type { TokenizerData } from "./tokenizer-data.ts";

const NO_TOKEN = "\u0000none";

export function byteLevelBpe({ tokens, merges, pre }: TokenizerData): TextModel {
  const splitter = preTokenizer(pre);
  const ids = new Map(tokens.map((text, id) => [text, id]));
  const merger = new BPE({
    type: "BPE",
    vocab: Object.fromEntries(ids),
    merges: merges.map(splitMerge),
    unk_token: NO_TOKEN,
    ignore_merges: splitter.wholeWords,
    byte_fallback: false,
  } as unknown as ConstructorParameters<typeof BPE>[0]);
  return {
    encode(text) {
      const found: number[] = [];
      for (const piece of splitText(splitter, text)) {
        for (const part of merger.encode([spellBytes(piece)])) {
          const id = ids.get(part);
          // As in llama.cpp, a byte without a token is dropped.
          if (id !== undefined) found.push(id);
        }
      }
      return found;
    },
    bytesOf: (id) => unspellBytes(tokens[id] ?? ""),
  };
}

/** "left right"; the left part may begin with a space. */
function splitMerge(merge: string): [string, string] {
  const space = merge.indexOf(" ", 1);
  return [merge.slice(0, space), merge.slice(space + 1)];
}
