/**
 * Markdown of an answer that is still growing, lexed by `marked`. Finished blocks
 * are lexed once; only the unfinished end is lexed again when text arrives:
 *
 *   list          the last item (earlier items are finished)
 *   fenced code   nothing: its lines are only searched for the closing fence
 *   other block   the whole block, up to `MAX_UNFINISHED_CHARACTERS`
 *
 * So the characters lexed grow linearly with the answer, and each `read` lexes a bounded number of
 * them. Knows no templates and no DOM.
 */
import type { MarkedToken, Tokens } from "marked";
import { lexed } from "./bounded-lexer.ts";

/** A longer block is cut, since all of it is lexed again when text arrives. */
const MAX_UNFINISHED_CHARACTERS = 4000;
/** Text that arrives at once is lexed in steps, so that its blocks finish one by one. */
const STEP_CHARACTERS = 2000;
/** `read` lexes a few more at most, so that a long text does not block the page. */
const MAX_LEXED_PER_READ = 8000;
/**
 * A line shorter than this may still become a list marker or a rule, and then the
 * block before it may continue. The longest marker: 3 spaces, 9 digits, a dot, a space.
 */
const MARKER_CHARACTERS = 16;

const OPENING_FENCE = /^ {0,3}(`{3,}|~{3,})(.*)\n/;

/** The last line of code that is not shown yet: empty, or the start of the closing fence. */
const UNFINISHED_FENCE = /^ {0,3}(`*|~*)$/;

type OpenFence = {
  readonly lang: string;
  readonly bodyStart: number;
  readonly closing: RegExp;
  /** The start of the first line that has not been searched for the closing fence. */
  searchFrom: number;
};

export class MarkdownStream {
  #text = "";
  readonly #finished: MarkedToken[] = [];
  /** Items of a list whose last item is unfinished. */
  #list: Tokens.List | null = null;
  #fence: OpenFence | null = null;
  #unfinished: readonly MarkedToken[] = [];
  /** Where the unfinished end starts. */
  #start = 0;
  #lexedEnd = 0;
  #isComplete = false;
  #blocks: readonly MarkedToken[] = [];
  #lexedCharacters = 0;

  /** Characters handed to the lexer so far, repetitions included. */
  get lexedCharacters(): number {
    return this.#lexedCharacters;
  }

  /** Whether there is more to read of the same text. */
  get isBehind(): boolean {
    return this.#lexedEnd < this.#text.length;
  }

  /** Whether `text` continues what has been read; if not, it needs a new stream. */
  isContinuedBy(text: string): boolean {
    return text.startsWith(this.#text);
  }

  /**
   * Reads on, mostly to the end of `text`; if not, `isBehind` is true, and another call reads on.
   * @param text the whole answer so far
   * @returns its blocks; a finished block is the same object in every result
   */
  read(text: string, isComplete: boolean): readonly MarkedToken[] {
    const isSame = text === this.#text && isComplete === this.#isComplete;
    if (isSame && !this.isBehind) return this.#blocks;
    this.#text = text;
    this.#isComplete = isComplete;
    const limit = this.#lexedCharacters + MAX_LEXED_PER_READ;
    do {
      const step = Math.max(this.#lexedEnd, this.#start) + STEP_CHARACTERS;
      this.#lexedEnd = Math.min(text.length, step);
      this.#advance();
    } while (this.isBehind && this.#lexedCharacters < limit);
    if (isComplete && !this.isBehind && this.#fence !== null) {
      this.#fence = null;
      this.#unfinished = this.#lex(text.slice(this.#start));
    }
    this.#blocks = [...this.#finished, ...this.#openBlocks()];
    return this.#blocks;
  }

  #openBlocks(): readonly MarkedToken[] {
    const [first, ...others] = this.#unfinished;
    if (this.#list === null) return this.#unfinished;
    return first?.type === "list"
      ? [continued(this.#list, first), ...others]
      : [this.#list, ...this.#unfinished];
  }

  #advance(): void {
    if (this.#fence !== null && !this.#closeFence(this.#fence)) return;
    const tokens = this.#lex(this.#text.slice(this.#start, this.#lexedEnd));
    const last = tokens.findLastIndex(({ type }) => type !== "space");
    const hasBegun = last >= 0 && isSettled(tokens[last]!.raw);
    const finished = hasBegun ? tokens.slice(0, last) : [];
    this.#unfinished = tokens.slice(finished.length);
    this.#finish(finished);
    if (!hasBegun) return;
    const block = this.#unfinished[0]!;
    if (block.type === "list") this.#finishItems(block);
    else if (block.type === "code") this.#openFence(block);
    if (this.#fence === null && this.#lexedEnd - this.#start > MAX_UNFINISHED_CHARACTERS) {
      this.#finish(this.#unfinished);
      this.#unfinished = [];
    }
  }

  #finish(tokens: readonly MarkedToken[]): void {
    if (tokens.length === 0) return;
    const [first, ...others] = tokens;
    if (this.#list === null) this.#finished.push(...tokens);
    else if (first?.type === "list") this.#finished.push(continued(this.#list, first), ...others);
    else this.#finished.push(this.#list, ...tokens);
    this.#list = null;
    this.#start += lengthOf(tokens);
  }

  #finishItems(list: Tokens.List): void {
    const items = list.items.slice(0, -1);
    const last = list.items.at(-1);
    if (items.length === 0 || !isSettled(last?.raw ?? "")) return;
    const before = this.#list?.items ?? [];
    this.#list = { ...(this.#list ?? list), items: [...before, ...items] };
    this.#start += lengthOf(items);
    const rest = { ...list, items: list.items.slice(-1) };
    this.#unfinished = [rest, ...this.#unfinished.slice(1)];
  }

  #openFence(code: Tokens.Code): void {
    const opening = OPENING_FENCE.exec(code.raw);
    if (opening === null) return;
    const [line, mark = "", info = ""] = opening;
    const lang = info.trim().split(/\s/, 1)[0] ?? "";
    const closing = new RegExp(`^ {0,3}${mark[0]}{${mark.length},}[ \\t]*\\n`, "gm");
    const bodyStart = this.#start + line.length;
    const fence = { lang, bodyStart, closing, searchFrom: bodyStart };
    if (this.#closeFence(fence)) return;
    this.#fence = fence;
  }

  /** Whether the text has the closing line; if so, the code is finished. */
  #closeFence(fence: OpenFence): boolean {
    const { lang, bodyStart, closing } = fence;
    closing.lastIndex = fence.searchFrom;
    const text = this.#text.slice(0, this.#lexedEnd);
    const match = closing.exec(text);
    const lineStart = Math.max(bodyStart, text.lastIndexOf("\n") + 1);
    const isShown = !UNFINISHED_FENCE.test(text.slice(lineStart));
    const end = match?.index ?? (isShown ? text.length + 1 : lineStart);
    const body = text.slice(bodyStart, Math.max(bodyStart, end - 1));
    const code: Tokens.Code = { type: "code", raw: body, lang, text: body };
    if (match === null) {
      fence.searchFrom = lineStart;
      this.#unfinished = [code];
      return false;
    }
    this.#finish([code]);
    this.#start = match.index + match[0].length;
    this.#unfinished = [];
    this.#fence = null;
    return true;
  }

  #lex(text: string): MarkedToken[] {
    this.#lexedCharacters += text.length;
    return lexed(text);
  }
}

/** Whether the block that begins with `raw` can no longer turn out to continue the one before. */
function isSettled(raw: string): boolean {
  return raw.length > MARKER_CHARACTERS || raw.trimStart().includes("\n");
}

function continued(list: Tokens.List, next: Tokens.List): Tokens.List {
  return { ...list, items: [...list.items, ...next.items] };
}

function lengthOf(tokens: readonly { readonly raw: string }[]): number {
  return tokens.reduce((sum, { raw }) => sum + raw.length, 0);
}
