/** Chat templates and streaming: the golden answers' texts, and the hard cases by hand. */
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ChatTurn,
  chatTemplateOf,
  encodeChat,
  renderChat,
} from "../../src/model/chat-template.ts";
import { createTokenizer } from "../../src/model/tokenizer.ts";
import type { TokenizerData } from "../../src/model/tokenizer-data.ts";
import { decoded } from "./decoded.ts";
import { openDefaultModel } from "./default-model.ts";

type Golden = {
  readonly prompt: string;
  readonly promptTokens: readonly number[];
  readonly messages?: readonly { role: string; content: string }[];
  readonly answer: string;
  readonly tokens: readonly number[];
};

const FOLDER = "test/goldens/answers";
const goldens = readdirSync(FOLDER).map(
  (file) => [file, JSON.parse(readFileSync(`${FOLDER}/${file}`, "utf8")) as Golden] as const,
);
const { tokenizer: data } = await openDefaultModel();
const tokenizer = createTokenizer(data);
const withTemplate = (chatTemplate: string | null, more: Partial<TokenizerData> = {}) => ({
  ...data,
  chatTemplate,
  ...more,
});
const render = (tokens: TokenizerData, messages: readonly ChatTurn[]) =>
  renderChat(chatTemplateOf(tokens), messages);
const HELLO = [{ role: "user", content: "Hello" }];

test("there are at least 20 golden answers of 48 tokens, two of them to 400 tokens", () => {
  expect(goldens.length).toBeGreaterThanOrEqual(20);
  expect(goldens.every(([, golden]) => golden.tokens.length === 48)).toBe(true);
  expect(goldens.filter(([, golden]) => golden.promptTokens.length >= 400)).toHaveLength(2);
});

describe.each(goldens)("%s", (_file, golden) => {
  test("its prompt has llama.cpp's tokens", () => {
    expect([...tokenizer.encode(golden.prompt)]).toEqual(golden.promptTokens);
  });

  test("its answer streams to llama.cpp's text", () => {
    expect(decoded(tokenizer, golden.tokens, true)).toBe(golden.answer);
  });
});

const chats = goldens.filter(([, golden]) => golden.messages !== undefined);

test("five golden answers are chats", () => {
  expect(chats).toHaveLength(5);
});

test.each(chats)("%s is rendered and encoded", (_file, golden) => {
  expect(render(data, golden.messages ?? [])).toBe(golden.prompt);
  expect([...encodeChat(chatTemplateOf(data), tokenizer, golden.prompt)]).toEqual(
    golden.promptTokens,
  );
});

describe("chat templates", () => {
  test("without one, ChatML where the vocabulary has it, else a dialogue", () => {
    expect(render(withTemplate(null), HELLO)).toBe(
      "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
    );
    expect(render(withTemplate(null, { tokens: ["a"] }), HELLO)).toBe("User: Hello\nAssistant:");
  });

  test("get what templates call: bos_token, strftime_now, tojson, namespace, loop controls", () => {
    const template =
      "{{ bos_token }}{% set ns = namespace(n=0) %}{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}{% if ns.n == 1 %}{% break %}" +
      "{% endif %}{% set ns.n = ns.n + 1 %}{{ m.content | tojson }}{% endfor %}{{ ns.n }}" +
      "{{ strftime_now('%Y') | length }}{{ eos_token }}";
    const messages = [
      { role: "system", content: "s" },
      { role: "user", content: 'say "é"' },
      ...HELLO,
    ];
    expect(render(withTemplate(template), messages)).toBe('<|im_start|>"say \\"é\\""14<|im_end|>');
  });

  test("a template may refuse the messages", () => {
    const template = "{{ raise_exception('roles must alternate') }}";
    const failsWith = (failure: object) =>
      expect.objectContaining({ failure: expect.objectContaining(failure) as object }) as Error;
    expect(() => render(withTemplate(template), HELLO)).toThrow(
      failsWith({
        reason: "chat_template_refused",
        detail: expect.stringContaining("roles must alternate") as string,
      }),
    );
    expect(() => render(withTemplate("{% if %}"), HELLO)).toThrow(
      failsWith({ reason: "chat_template_unreadable" }),
    );
  });

  test.each([
    ["{% for i in range(1000000) %}{% endfor %}", "elements of range()"],
    ["{{ range(1000000000) | length }}", "elements of range()"],
    [
      "{% set ns = namespace(l=[0]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
      "produced values",
    ],
    [
      "{% set ns = namespace(s='x') %}{% for i in range(25) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
      "produced values",
    ],
    ["{% for i in range(100000) %}{{ '012345678901' }}{% endfor %}", "characters"],
  ])("a template that needs much memory is ended: %s", (template, subject) => {
    expect(() => render(withTemplate(template), HELLO)).toThrow(
      expect.objectContaining({
        failure: expect.objectContaining({ reason: "chat_template_limit", subject }) as object,
      }) as Error,
    );
  });

  test("range() counts as Python's does", () => {
    const template =
      "{{ range(3) | join }} {{ range(1, 3) | join }} {{ range(5, 0, -2) | join }} {{ range(2, 1) | join }}";
    expect(render(withTemplate(template), HELLO)).toBe("012 12 531 ");
  });

  test("BOS is not doubled when the template writes it", () => {
    const bos = data.bosToken ?? -1;
    for (const template of ["{{ bos_token }}x", "x"]) {
      const model = withTemplate(template, { addBos: true });
      const ids = encodeChat(chatTemplateOf(model), createTokenizer(model), render(model, HELLO));
      expect([...ids].filter((id) => id === bos)).toHaveLength(1);
      expect(ids[0]).toBe(bos);
    }
  });
});

describe("streaming", () => {
  test("a character split over tokens appears once it is complete", () => {
    const tokens = tokenizer.encode("👩‍👩‍👧‍👦");
    const decoder = tokenizer.streamingDecoder();
    const pieces = [...tokens].map((token) => decoder.push(token));
    expect(pieces.length).toBeGreaterThan(4);
    expect(pieces).toContain("");
    expect(pieces.join("")).toBe("👩‍👩‍👧‍👦");
    expect(pieces.join("")).not.toContain("\ufffd");
    expect(decoder.finish()).toBe("");
  });

  test("a character that remains incomplete is one replacement character", () => {
    const [first = 0] = tokenizer.encode("𓀀");
    const decoder = tokenizer.streamingDecoder();
    expect(decoder.push(first)).toBe("");
    expect(decoder.finish()).toBe("\ufffd");
  });

  test("any text is the same after encoding and decoding", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), (text) => {
        const tokens = tokenizer.encode(text, { special: false });
        // A few bytes have no token and are dropped, as in llama.cpp.
        const known = [...new TextEncoder().encode(text)].every((byte) => !MISSING_BYTES.has(byte));
        fc.pre(known);
        expect(decoded(tokenizer, tokens)).toBe(text);
      }),
    );
  });

  test("control tokens appear only on request", () => {
    const tokens = tokenizer.encode("<|im_start|>a<|im_end|>");
    expect(decoded(tokenizer, tokens)).toBe("a");
    expect(decoded(tokenizer, tokens, true)).toBe("<|im_start|>a<|im_end|>");
  });
});

/** Bytes that no token of SmolLM2 spells. */
const MISSING_BYTES = new Set(
  Array.from({ length: 256 }, (_, byte) => byte).filter(
    (byte) => !data.tokens.some((_, id) => isByte(tokenizer.bytesOf(id), byte)),
  ),
);

function isByte(bytes: Uint8Array, byte: number): boolean {
  return bytes.length === 1 && bytes[0] === byte;
}
