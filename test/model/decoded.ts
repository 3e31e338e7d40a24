import { StreamingDecoder } from "../../src/model/streaming-decoder.ts";
import type { Tokenizer } from "../../src/model/tokenizer.ts";

/** The text of all tokens; control tokens appear only with `special`. */
export function decoded(tokenizer: Tokenizer, tokens: Iterable<number>, special = false): string {
  const decoder = new StreamingDecoder((token) => tokenizer.bytesOf(token, special));
  return [...tokens].map((token) => decoder.push(token)).join("") + decoder.finish();
}
