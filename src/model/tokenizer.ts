/**
 * Text to tokens and back, as in llama.cpp: special tokens are split off first,
 * longest first; the vocabulary's kind encodes the text between them.
 */
import { byteLevelBpe } from "./byte-level-bpe.ts";
import { sentencePiece } from "./sentence-piece.ts";
import { type TextModel, TOKEN_TYPE, type TokenizerData } from "./tokenizer-data.ts";

export type EncodeOptions = {
  /** Encode the texts of control tokens as these tokens, not as plain text. Default true. */
  readonly special?: boolean;
  /** Add BOS and EOS as the file specifies. Default true. */
  readonly addEnds?: boolean;
};

export type Tokenizer = {
  encode(text: string, options?: EncodeOptions): Uint32Array<ArrayBuffer>;
  /** The exact bytes of a token; none for a control token unless `special`. */
  bytesOf(token: number, special?: boolean): Uint8Array<ArrayBuffer>;
  /** The text of an answer, token by token. */
  streamingDecoder(): StreamingDecoder;
};

/**
 * A token may end within a character; its bytes wait for the remaining ones, so that the texts
 * together equal all bytes decoded at once.
 */
export type StreamingDecoder = {
  /** The text that is complete; "" while a character is incomplete. */
  push(token: number): string;
  /** U+FFFD for a character that remained incomplete, otherwise "". */
  finish(): string;
};

/** Throws a `ModelError` if the pre-tokenizer is unknown. */
export function createTokenizer(data: TokenizerData): Tokenizer {
  const model = data.model === "gpt2" ? byteLevelBpe(data) : sentencePiece(data);
  const specials = specialTokens(data);
  const bytesOf = (token: number, special = false): Uint8Array<ArrayBuffer> => {
    const type = data.types[token];
    const isControl = type === TOKEN_TYPE.control || type === TOKEN_TYPE.unknown;
    if (!isControl && type !== TOKEN_TYPE.userDefined) return model.bytesOf(token);
    return textBytes(isControl && !special ? "" : (data.tokens[token] ?? ""));
  };
  return {
    encode: (text, options) => encode(data, model, specials, text, options),
    bytesOf,
    streamingDecoder() {
      const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
      return {
        push: (token) => decoder.decode(bytesOf(token), { stream: true }),
        finish: () => decoder.decode(),
      };
    },
  };
}

type SpecialToken = { readonly id: number; readonly text: string; readonly isControl: boolean };

/** Longest first, so that a token that contains another wins. */
function specialTokens({ tokens, types }: TokenizerData): SpecialToken[] {
  const found: SpecialToken[] = [];
  for (const [id, text] of tokens.entries()) {
    const type = types[id];
    const isControl = type === TOKEN_TYPE.control || type === TOKEN_TYPE.unknown;
    if (text !== "" && (isControl || type === TOKEN_TYPE.userDefined)) {
      found.push({ id, text, isControl });
    }
  }
  return found.sort((a, b) => textBytes(b.text).length - textBytes(a.text).length);
}

function encode(
  data: TokenizerData,
  model: TextModel,
  specials: readonly SpecialToken[],
  text: string,
  { special = true, addEnds = true }: EncodeOptions = {},
): Uint32Array<ArrayBuffer> {
  const found: number[] = [];
  if (addEnds && data.addBos && data.bosToken !== null) found.push(data.bosToken);
  let afterSpecial = true;
  for (const part of partition(text.replace(LONE_SURROGATES, "\ufffd"), specials, special)) {
    afterSpecial =
      typeof part === "number"
        ? (found.push(part), true)
        : (append(found, model.encode(part, afterSpecial)), false);
  }
  if (addEnds && data.addEos && data.eosToken !== null) found.push(data.eosToken);
  return Uint32Array.from(found);
}

/** Texts and the special tokens between them. */
function partition(
  text: string,
  specials: readonly SpecialToken[],
  withControl: boolean,
): (string | number)[] {
  let parts: (string | number)[] = text === "" ? [] : [text];
  for (const token of specials) {
    if ((token.isControl && !withControl) || !text.includes(token.text)) continue;
    parts = parts.flatMap((part) => (typeof part === "number" ? [part] : splitOff(part, token)));
  }
  return parts;
}

function splitOff(text: string, { id, text: special }: SpecialToken): (string | number)[] {
  return text
    .split(special)
    .flatMap((piece, i) => [...(i > 0 ? [id] : []), ...(piece === "" ? [] : [piece])]);
}

/** Not a spread: a long text exceeds the limit of an argument list. */
function append(target: number[], items: readonly number[]): void {
  for (const item of items) target.push(item);
}

function textBytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** With the u flag, a surrogate pair is one character and does not match. */
const LONE_SURROGATES = /[\ud800-\udfff]/gu;
