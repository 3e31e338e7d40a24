import fc from "fast-check";
import { Lexer, type MarkedToken, Tokenizer } from "marked";
import { describe, expect, test } from "vitest";
import { MarkdownStream } from "../../src/ui/markdown-stream.ts";

/** Reads `text` as it would arrive, a few characters at a time. */
function stream(text: string, characters = 4) {
  const markdown = new MarkdownStream();
  for (let end = characters; end < text.length; end += characters) {
    markdown.read(text.slice(0, end), false);
  }
  return { blocks: readAll(markdown, text), lexedCharacters: markdown.lexedCharacters };
}

function readAll(markdown: MarkdownStream, text: string): readonly MarkedToken[] {
  let blocks = markdown.read(text, true);
  while (markdown.isBehind) blocks = markdown.read(text, true);
  return blocks;
}

/** Type and source of each block, and of each item of a list. */
function outline(blocks: readonly MarkedToken[]) {
  return blocks
    .filter(({ type }) => type !== "space")
    .map((block) => {
      if (block.type === "list") return [block.start, ...block.items.map(({ raw }) => raw.trim())];
      if (block.type === "code") return [block.lang, block.text];
      return [block.type, block.raw.trim()];
    });
}

const ANSWER = `# Cities

The capital of France is **Paris**.
It lies on the *Seine*.

1. One item
2. Another item
   - with a nested item
   - and another one

   and a paragraph
3. A third item

10. Not a new list

- a
- b

Setext
---

\`\`\`\`python
def f():

    return "\`\`\`"
\`\`\`\`

> A quote
> of two lines

| City | People |
|---|---|
| Paris | 2.1 M |

2 apples.

<details>
raw
</details>

~~~
the end`;

describe("an answer that arrives in pieces", () => {
  test.each([1, 2, 3, 7, 50, 400])(
    "has the same blocks as the whole, %i at a time",
    (characters) => {
      expect(outline(stream(ANSWER, characters).blocks)).toEqual(
        outline(Lexer.lex(ANSWER) as MarkedToken[]),
      );
    },
  );

  test("a finished block and a finished item stay the same objects", () => {
    const markdown = new MarkdownStream();
    const text = "A paragraph.\n\n- the first item\n- the second item\n- and the third item";
    const [before, , list] = markdown.read(text, false);
    const [after, , longer] = markdown.read(`${text} goes on`, false);
    expect(after).toBe(before);
    if (list?.type !== "list" || longer?.type !== "list") throw new Error("not a list");
    expect(longer.items[1]).toBe(list.items[1]);
    expect(longer.items[2]).not.toBe(list.items[2]);
  });

  test("a fence without an end runs to the end, without the line that may close it", () => {
    const markdown = new MarkdownStream();
    expect(markdown.read("```js\nlet a = `x`;\n\n# no heading\n``", false)).toMatchObject([
      { type: "code", lang: "js", text: "let a = `x`;\n\n# no heading" },
    ]);
  });

  test("another text needs another stream", () => {
    const markdown = new MarkdownStream();
    markdown.read("Paris", false);
    expect(markdown.isContinuedBy("Paris is")).toBe(true);
    expect(markdown.isContinuedBy("Lyon is")).toBe(false);
  });
});

describe("the lexer's work is linear in the answer's length", () => {
  const SENTENCE = "The Seine rises in Burgundy and flows to the sea. ";
  const texts: Record<string, (parts: number) => string> = {
    paragraphs: (parts) => `${SENTENCE.repeat(8)}\n\n`.repeat(parts),
    "one code fence": (parts) => `\`\`\`js\n${`${SENTENCE}\n`.repeat(parts * 8)}`,
    "one list": (parts) => `- ${SENTENCE}\n`.repeat(parts * 8),
    "one list after which a paragraph follows": (parts) =>
      `${`1. ${SENTENCE}\n`.repeat(parts * 4)}\n${SENTENCE.repeat(8)}`,
    "one line": (parts) => SENTENCE.repeat(parts * 8),
    "one table": (parts) => `| a | b |\n|---|---|\n${`| ${SENTENCE} | c |\n`.repeat(parts * 8)}`,
  };

  test.each(Object.keys(texts))("%s", (name) => {
    const work = (parts: number) => stream(texts[name]!(parts)).lexedCharacters;
    expect(work(60) / work(30)).toBeLessThan(2.2);
  });

  test("of prose and lists each character is lexed about as often as its block has tokens", () => {
    for (const name of ["paragraphs", "one code fence", "one list"]) {
      const text = texts[name]!(50);
      expect(stream(text).lexedCharacters / text.length, name).toBeLessThan(100 / 2 + 10);
    }
  });
});

describe("any text", () => {
  const marks = fc.string({ unit: fc.constantFrom(..."*_`~[]()#>-|1. \nab:/"), maxLength: 200 });

  test("is read completely", () => {
    fc.assert(
      fc.property(marks, fc.integer({ min: 1, max: 9 }), (text, characters) => {
        const { blocks } = stream(text, characters);
        const shown = blocks
          .map(
            (block) =>
              block.raw +
              ("items" in block ? block.items.map(({ raw }: { raw: string }) => raw).join("") : ""),
          )
          .join("");
        for (const letter of ["a", "b"]) if (text.includes(letter)) expect(shown).toContain(letter);
      }),
    );
  });

  test.each(["*", "`", "[", "- ", "> ", "1. ", "**a", "| ", "_a ", "~~a", "[a]("])(
    "20,000 of %j are lexed in parts of bounded length",
    (mark) => {
      for (const text of [mark.repeat(20_000), `${mark}\n`.repeat(20_000)]) {
        const markdown = new MarkdownStream();
        readAll(markdown, text);
        expect(markdown.lexedCharacters).toBeLessThan(6 * text.length);
      }
    },
  );
});

describe("a hostile answer of 100,000 characters", () => {
  const nested = (mark: string, step: number) =>
    Array.from({ length: 300 }, (_, depth) => `${" ".repeat(depth * step)}${mark} a\n`).join("");
  const parts: Record<string, string> = {
    "nested lists on a line": "* ",
    "nested lists with text": "* * * * * * * * * * * * a ",
    "nested numbers": "1. ",
    "nested quotes": "> ",
    "nested quotes without spaces": ">",
    "quotes in lists": "- > ",
    "nested lists by indentation": nested("-", 2),
    "nested quotes by depth": Array.from({ length: 300 }, (_, i) => `${">".repeat(i)} a\n`).join(
      "",
    ),
    "unmatched strong": "**x* ",
    "unmatched emphasis": "*a _b ",
    "words with underscores": "a_",
    strikes: "~~a",
    "marks in every word": `${"*a ".repeat(30)}${"b ".repeat(100)}`,
    brackets: "[",
    "links without end": "[a](",
    backticks: "`a``b",
    "a long word": "a.",
    pipes: "|",
    "definitions without end": '[a]: b "',
    tags: "<a ",
  };

  /** Characters that the lexer was given, as often as it was given them, for blocks, inlines, and emphasis. */
  function work(text: string): { total: number; perRead: number } {
    let total = 0;
    let perRead = 0;
    const count = (source: string) => void (total += source.length);
    const spies = [
      spyOn(Lexer.prototype, "blockTokens", count),
      spyOn(Lexer.prototype, "inlineTokens", count),
      spyOn(Tokenizer.prototype, "emStrong", (source) => {
        if (source.startsWith("*") || source.startsWith("_")) count(source);
      }),
    ];
    const markdown = new MarkdownStream();
    do {
      const before = total;
      markdown.read(text, true);
      perRead = Math.max(perRead, total - before);
    } while (markdown.isBehind);
    for (const spy of spies) spy.mockRestore();
    return { total, perRead };
  }

  test.each(Object.keys(parts))("%s: work is linear, and bounded per frame", (name) => {
    const part = parts[name]!;
    const text = (length: number) => part.repeat(Math.ceil(length / part.length)).slice(0, length);
    const [half, whole] = [work(text(50_000)), work(text(100_000))];
    expect(whole.total / half.total).toBeLessThan(2.3);
    expect(whole.total).toBeLessThan(400 * 100_000);
    expect(whole.perRead).toBeLessThan(400 * 16_000);
  });
});

function spyOn<Name extends string, Target extends Record<Name, (...values: never[]) => unknown>>(
  target: Target,
  name: Name,
  before: (source: string) => void,
) {
  const original = target[name];
  const spied = function (this: unknown, ...values: never[]) {
    before(values[0] as unknown as string);
    return original.apply(this, values);
  };
  target[name] = spied as unknown as Target[Name];
  return { mockRestore: () => (target[name] = original) };
}
