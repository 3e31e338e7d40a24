/**
 * `marked`'s lexer with bounded work: what nests deeper, or has more marks in one paragraph, than
 * people write is text. Nested blocks and unmatched `*`, `_`, and `~` take the lexer quadratic time.
 */
import { Lexer, type MarkedToken, type Token, type TokensList } from "marked";

/** Lists in lists, and quotes in quotes: the lexer reads each level again, quotes several times. */
const MAX_BLOCK_DEPTH = 6;
const MAX_INLINE_DEPTH = 6;
/** Runs of `*`, `_`, or `~` in one paragraph, item, or cell: each may be matched against all the text after it. */
const MAX_EMPHASIS_MARKS = 100;
const MAX_OTHER_MARKS = 400;
/** A longer word is tried as an email address from each of its characters. */
const MAX_WORD_CHARACTERS = 1000;

const EMPHASIS_MARK = /\*+|_+|~+/g;
const OTHER_MARK = /[`[\]<\\!]/g;
const LONG_WORD = new RegExp(`[\\w.+-]{${MAX_WORD_CHARACTERS}}`);

/** The blocks of `text`. Takes time in proportion to its length. */
export function lexed(text: string): MarkedToken[] {
  return new BoundedLexer().lex(text) as MarkedToken[];
}

class BoundedLexer extends Lexer {
  #blockDepth = 0;
  #inlineDepth = 0;

  override blockTokens(source: string, tokens?: Token[], isClipped?: boolean): Token[];
  override blockTokens(source: string, tokens?: TokensList, isClipped?: boolean): TokensList;
  override blockTokens(source: string, tokens: Token[] = [], isClipped?: boolean): Token[] {
    if (this.#blockDepth >= MAX_BLOCK_DEPTH) return withText(tokens, source);
    this.#blockDepth++;
    try {
      return super.blockTokens(source, tokens, isClipped);
    } finally {
      this.#blockDepth--;
    }
  }

  override inlineTokens(source: string, tokens: Token[] = []): Token[] {
    if (this.#inlineDepth >= MAX_INLINE_DEPTH || hasManyMarks(source))
      return withText(tokens, source);
    this.#inlineDepth++;
    try {
      return super.inlineTokens(source, tokens);
    } finally {
      this.#inlineDepth--;
    }
  }
}

function hasManyMarks(source: string): boolean {
  return (
    count(source, EMPHASIS_MARK) > MAX_EMPHASIS_MARKS ||
    count(source, OTHER_MARK) > MAX_OTHER_MARKS ||
    (source.length > MAX_WORD_CHARACTERS && LONG_WORD.test(source))
  );
}

function count(source: string, mark: RegExp): number {
  return source.match(mark)?.length ?? 0;
}

function withText(tokens: Token[], source: string): Token[] {
  tokens.push({ type: "text", raw: source, text: source, escaped: false });
  return tokens;
}
