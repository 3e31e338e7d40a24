/**
 * Text to tokens and back for vocabularies of kind "gpt2": split, spell in bytes,
 * merge by rank. `@huggingface/tokenizers` does the merging.
 */
import { BPE } from "@huggingface/tokenizers";
import { preTokenizer, splitText } from "./pre-tokenizers.ts";
import type { TextModel, TokenizerData } from "./tokenizer-data.ts";

const NO_TOKEN = "\u0000none";

/** GPT-2's alphabet: one printable character per byte. */
const CHARACTER_OF_BYTE: readonly string[] = makeAlphabet();
const BYTE_OF_CHARACTER: ReadonlyMap<string, number> = new Map(
  CHARACTER_OF_BYTE.map((character, byte) => [character, byte]),
);

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

/** The UTF-8 bytes of `text`, one character per byte. */
function spellBytes(text: string): string {
  let spelled = "";
  for (const byte of new TextEncoder().encode(text)) spelled += CHARACTER_OF_BYTE[byte];
  return spelled;
}

/** The bytes of `spelled`. A character outside the alphabet is its own UTF-8. */
function unspellBytes(spelled: string): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (const character of spelled) {
    const byte = BYTE_OF_CHARACTER.get(character);
    if (byte === undefined) bytes.push(...new TextEncoder().encode(character));
    else bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** Printable bytes are their own characters; the others are U+0100 and up. */
function makeAlphabet(): string[] {
  const isPrintable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(isPrintable(byte) ? byte : next++),
  );
}
