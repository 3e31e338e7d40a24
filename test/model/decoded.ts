import type { Tokenizer } from "../../src/model/tokenizer.ts";

/** The text of all tokens; control tokens appear only with `special`. */
export function decoded(tokenizer: Tokenizer, tokens: Iterable<number>, special = false): string {
  const bytes = [...tokens].flatMap((token) => [...tokenizer.bytesOf(token, special)]);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
}
