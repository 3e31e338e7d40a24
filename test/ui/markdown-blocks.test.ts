import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseBlocks, parseSpans, type Block, type Span } from "../../src/ui/markdown-blocks.ts";

const text = (words: string): Span => ({ kind: "text", text: words });

describe("blocks", () => {
  test("paragraphs keep their line breaks and part at blank lines", () => {
    expect(parseBlocks("one\ntwo\n\nthree")).toEqual([
      { kind: "paragraph", spans: [text("one\ntwo")] },
      { kind: "paragraph", spans: [text("three")] },
    ]);
  });

  test("a fence without an end runs to the end of the text", () => {
    const code = { kind: "code", language: "js", text: "let a = `x`;\n\n# no heading" };
    expect(parseBlocks("```js\nlet a = `x`;\n\n# no heading")).toEqual([code]);
    expect(parseBlocks("```js\nlet a = `x`;\n\n# no heading\n```\nafter")).toEqual([
      code,
      { kind: "paragraph", spans: [text("after")] },
    ]);
  });

  test("lists nest, keep their first number, and part by kind", () => {
    const [ordered, bullets] = parseBlocks("3. three\n4. four\n   - deep\n\n- flat") as [
      Extract<Block, { kind: "list" }>,
      Extract<Block, { kind: "list" }>,
    ];
    expect(ordered.start).toBe(3);
    expect(ordered.items.map(({ spans }) => spans)).toEqual([[text("three")], [text("four")]]);
    expect(ordered.items[1]!.blocks).toMatchObject([{ kind: "list", start: null }]);
    expect(bullets).toMatchObject({
      kind: "list",
      start: null,
      items: [{ spans: [text("flat")] }],
    });
  });

  test("headings, rules, quotes and tables", () => {
    expect(
      parseBlocks("## Title ##\n---\n> said\n\n| a | b |\n|---|:-:|\n| 1 | 2 |"),
    ).toMatchObject([
      { kind: "heading", level: 2, spans: [text("Title")] },
      { kind: "rule" },
      { kind: "quote", blocks: [{ kind: "paragraph" }] },
      {
        kind: "table",
        rows: [
          [[text("a")], [text("b")]],
          [[text("1")], [text("2")]],
        ],
      },
    ]);
  });
});

describe("spans", () => {
  test.each<[string, Span[]]>([
    [
      "a **b *c*** d",
      [
        text("a "),
        { kind: "strong", spans: [text("b "), { kind: "emphasis", spans: [text("c")] }] },
        text(" d"),
      ],
    ],
    ["`a*b*`", [{ kind: "code", text: "a*b*" }]],
    ["2 * 3 * 4", [text("2 * 3 * 4")]],
    ["snake_case_name", [text("snake_case_name")]],
    ["**open", [text("**open")]],
    ["~~no~~", [{ kind: "strike", spans: [text("no")] }]],
  ])("%s", (source, expected) => {
    expect(parseSpans(source)).toEqual(expected);
  });

  test("only http and https become links; the full stop after one is not part of it", () => {
    expect(parseSpans("[x](javascript:alert(1))")).toEqual([text("[x](javascript:alert(1))")]);
    expect(parseSpans("see https://a.example/b.")).toEqual([
      text("see "),
      { kind: "link", href: "https://a.example/b", spans: [text("https://a.example/b")] },
      text("."),
    ]);
  });
});

describe("any text", () => {
  const marks = fc.string({ unit: fc.constantFrom(..."*_`~[]()#>-|1. \nab:/"), maxLength: 200 });

  test("parses without an error and loses no letter", () => {
    fc.assert(
      fc.property(marks, (source) => {
        const shown = JSON.stringify(parseBlocks(source));
        for (const letter of ["a", "b"]) {
          const rest = shown.replaceAll(
            /"(kind|spans|blocks|text|language|start|items|rows|level|href)"/g,
            "",
          );
          if (source.includes(letter)) expect(rest).toContain(letter);
        }
      }),
    );
  });

  test.each(["*", "`", "[", "- ", "> ", "**a", "| ", "_a "])(
    "20,000 of %j take no more than a second",
    (mark) => {
      const startMs = performance.now();
      parseBlocks(mark.repeat(20_000));
      parseBlocks(`${mark}\n`.repeat(20_000));
      expect(performance.now() - startMs).toBeLessThan(1000);
    },
  );
});
