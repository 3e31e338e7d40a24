/**
 * The small Markdown that language models write, parsed to data.
 *
 *   blocks   paragraphs, headings, fenced code, lists (nested), quotes, tables, rules
 *   spans    code, strong, emphasis, strike, links to http and https
 *
 * An answer that is still being written parses too: a fence without an end
 * runs to the end of the text. Pure; nothing here makes HTML.
 */
export type Span =
  | { readonly kind: "text" | "code"; readonly text: string }
  | { readonly kind: "strong" | "emphasis" | "strike"; readonly spans: readonly Span[] }
  | { readonly kind: "link"; readonly href: string; readonly spans: readonly Span[] };

export type ListItem = { readonly spans: readonly Span[]; readonly blocks: readonly Block[] };

export type Block =
  | { readonly kind: "paragraph"; readonly spans: readonly Span[] }
  | { readonly kind: "heading"; readonly level: number; readonly spans: readonly Span[] }
  | { readonly kind: "code"; readonly language: string; readonly text: string }
  | { readonly kind: "list"; readonly start: number | null; readonly items: readonly ListItem[] }
  | { readonly kind: "quote"; readonly blocks: readonly Block[] }
  | { readonly kind: "table"; readonly rows: readonly (readonly (readonly Span[])[])[] }
  | { readonly kind: "rule" };

/** Deeper nesting is shown flat: a hostile answer must not exhaust the stack. */
const MAX_DEPTH = 8;

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`\s]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^ {0,3}([-*_])(\s*\1){2,}\s*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/** @param text Markdown, possibly cut anywhere */
export function parseBlocks(text: string, depth = 0): Block[] {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    if (lines[at]!.trim() === "") {
      at += 1;
      continue;
    }
    const [block, next] = blockAt(lines, at, depth);
    blocks.push(block);
    at = next;
  }
  return blocks;
}

/** The block that starts at line `at`, and the line after it. */
function blockAt(lines: readonly string[], at: number, depth: number): [Block, number] {
  const line = lines[at]!;
  const fence = FENCE.exec(line);
  if (fence !== null) return codeAt(lines, at, fence[1]!, fence[2]!);
  const heading = HEADING.exec(line);
  if (heading !== null) {
    return [{ kind: "heading", level: heading[1]!.length, spans: parseSpans(heading[2]!) }, at + 1];
  }
  if (RULE.test(line)) return [{ kind: "rule" }, at + 1];
  if (depth < MAX_DEPTH && /^ {0,3}>/.test(line)) return quoteAt(lines, at, depth);
  if (depth < MAX_DEPTH && ITEM.test(line)) return listAt(lines, at, depth);
  if (line.includes("|") && TABLE_RULE.test(lines[at + 1] ?? "x")) return tableAt(lines, at);
  return paragraphAt(lines, at, depth);
}

function codeAt(
  lines: readonly string[],
  at: number,
  mark: string,
  language: string,
): [Block, number] {
  const isEnd = (line: string): boolean =>
    line.trim().startsWith(mark) && line.trim().replaceAll(mark[0]!, "") === "";
  let end = at + 1;
  while (end < lines.length && !isEnd(lines[end]!)) end += 1;
  return [{ kind: "code", language, text: lines.slice(at + 1, end).join("\n") }, end + 1];
}

function quoteAt(lines: readonly string[], at: number, depth: number): [Block, number] {
  let end = at;
  while (end < lines.length && /^ {0,3}>/.test(lines[end]!)) end += 1;
  const inside = lines.slice(at, end).map((line) => line.replace(/^ {0,3}> ?/, ""));
  return [{ kind: "quote", blocks: parseBlocks(inside.join("\n"), depth + 1) }, end];
}

function listAt(lines: readonly string[], at: number, depth: number): [Block, number] {
  const first = ITEM.exec(lines[at]!)!;
  const indent = first[1]!.length;
  const ordered = /\d/.test(first[2]!);
  const items: ListItem[] = [];
  let next = at;
  while (next < lines.length) {
    const item = ITEM.exec(lines[next]!);
    if (item === null || item[1]!.length > indent + 1 || /\d/.test(item[2]!) !== ordered) break;
    if (item[1]!.length < indent) break;
    const end = itemEnd(lines, next + 1, indent);
    const body = lines
      .slice(next + 1, end)
      .map((line) => line.slice(Math.min(indent + 2, leading(line))));
    items.push({ spans: parseSpans(item[3]!), blocks: parseBlocks(body.join("\n"), depth + 1) });
    next = end;
  }
  return [{ kind: "list", start: ordered ? Number.parseInt(first[2]!, 10) : null, items }, next];
}

const leading = (line: string): number => line.length - line.trimStart().length;

/** Lines indented past the item's marker belong to it, blank lines between them too. */
function itemEnd(lines: readonly string[], at: number, indent: number): number {
  let end = at;
  for (let line = at; line < lines.length; line += 1) {
    if (lines[line]!.trim() === "") continue;
    if (leading(lines[line]!) < indent + 2) {
      const nextItem = ITEM.exec(lines[line]!);
      return nextItem !== null && nextItem[1]!.length >= indent ? line : end;
    }
    end = line + 1;
  }
  return end;
}

function tableAt(lines: readonly string[], at: number): [Block, number] {
  let end = at;
  while (end < lines.length && lines[end]!.includes("|")) end += 1;
  const cells = (line: string) =>
    line
      .trim()
      .replace(/^\||\|$/g, "")
      .split("|")
      .map((cell) => parseSpans(cell.trim()));
  const rows = lines.slice(at, end).filter((_, index) => index !== 1);
  return [{ kind: "table", rows: rows.map(cells) }, end];
}

function paragraphAt(lines: readonly string[], at: number, depth: number): [Block, number] {
  let end = at + 1;
  const ends = (line: string): boolean =>
    line.trim() === "" ||
    FENCE.test(line) ||
    HEADING.test(line) ||
    (depth < MAX_DEPTH && (ITEM.test(line) || /^ {0,3}>/.test(line)));
  while (end < lines.length && !ends(lines[end]!)) end += 1;
  return [{ kind: "paragraph", spans: parseSpans(lines.slice(at, end).join("\n")) }, end];
}

/** The first mark that is closed later in the text; bounded, so that no text takes quadratic time. */
const SPAN =
  /(`+)(?!`)([^\n]{1,2000}?[^`\n]?)\1(?!`)|\*\*(?=\S)([^\n]{1,2000}?\S)\*\*(?!\*)|__(?=\S)([^\n]{1,2000}?\S)__(?!\w)|~~(?=\S)([^\n]{1,2000}?\S)~~|\*(?=[^\s*])([^*\n]{1,2000}?)(?<=\S)\*|(?<![\w_])_(?=[^\s_])([^_\n]{1,2000}?)(?<=\S)_(?!\w)|\[([^\]\n]{1,500})\]\((https?:\/\/[^\s)]{1,2000})\)|(https?:\/\/[^\s<>)\]"']{0,2000}[^\s<>)\]"'.,;:!?])/;

/** @param text one block's text; newlines stay, and are shown as such */
export function parseSpans(text: string, depth = 0): Span[] {
  const spans: Span[] = [];
  let rest = text;
  for (let match = SPAN.exec(rest); match !== null; match = SPAN.exec(rest)) {
    if (match.index > 0) spans.push({ kind: "text", text: rest.slice(0, match.index) });
    spans.push(spanOf(match, depth));
    rest = rest.slice(match.index + match[0].length);
  }
  if (rest !== "") spans.push({ kind: "text", text: rest });
  return spans;
}

function spanOf(match: RegExpExecArray, depth: number): Span {
  const [whole, tick, code, stars, underscores, strike, star, underscore, label, href, bare] =
    match;
  if (tick !== undefined) return { kind: "code", text: code! };
  if (bare !== undefined)
    return { kind: "link", href: bare, spans: [{ kind: "text", text: bare }] };
  if (depth >= MAX_DEPTH) return { kind: "text", text: whole };
  if (href !== undefined) return { kind: "link", href, spans: [{ kind: "text", text: label! }] };
  if (strike !== undefined) return { kind: "strike", spans: parseSpans(strike, depth + 1) };
  const strong = stars ?? underscores;
  if (strong !== undefined) return { kind: "strong", spans: parseSpans(strong, depth + 1) };
  return { kind: "emphasis", spans: parseSpans((star ?? underscore)!, depth + 1) };
}
