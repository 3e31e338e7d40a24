/**
 * Token ids are llama.cpp's: for the default model's vocabulary and a small one
 * of each kind, over texts that tokenizers get wrong.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { blobSource } from "../../src/model/byte-source.ts";
import { readHeader } from "../../src/model/gguf-header.ts";
import { createTokenizer, type Tokenizer } from "../../src/model/tokenizer.ts";
import { readTokenizerData, type TokenizerData } from "../../src/model/tokenizer-data.ts";
import { writeGguf } from "../../tools/gguf/gguf-writer.ts";
import {
  byteLevelVocabulary,
  sentencePieceVocabulary,
  type Vocabulary,
} from "../../tools/gguf/tiny-vocabularies.ts";
import { decoded } from "./decoded.ts";
import { openDefaultModel } from "./default-model.ts";

type Golden = { readonly ids: readonly (readonly [number[], number[]?])[] };

const texts = JSON.parse(readFileSync("test/goldens/tokens/texts.json", "utf8")) as string[];
const readGolden = (name: string) =>
  JSON.parse(readFileSync(`test/goldens/tokens/${name}.json`, "utf8")) as Golden;

async function vocabularyData({ metadata }: Vocabulary): Promise<TokenizerData> {
  const file = blobSource(new Blob([writeGguf({ metadata, tensors: [] })]), "vocabulary.gguf");
  return readTokenizerData((await readHeader(file)).metadata, 1_000_000);
}

function expectGolden(tokenizer: Tokenizer, golden: Golden): void {
  expect(golden.ids).toHaveLength(texts.length);
  const differences = texts.flatMap((text, i) => {
    const [special = [], plain = special] = golden.ids[i] ?? [];
    const ours = [...tokenizer.encode(text, { addEnds: false })];
    const oursPlain = [...tokenizer.encode(text, { special: false, addEnds: false })];
    return [
      ...(String(ours) === String(special) ? [] : [{ text, ours, expected: special }]),
      ...(String(oursPlain) === String(plain) ? [] : [{ text, oursPlain, expected: plain }]),
    ];
  });
  expect(differences).toEqual([]);
}

test("the texts are at least 200", () => {
  expect(texts.length).toBeGreaterThanOrEqual(200);
});

test("SmolLM2's vocabulary gives llama.cpp's ids", async () => {
  const { tokenizer } = await openDefaultModel();
  expectGolden(createTokenizer(tokenizer), readGolden("smollm2"));
});

describe.each([
  byteLevelVocabulary(null),
  ...["gpt-2", "smollm", "llama-bpe", "qwen2", "tekken"].map(byteLevelVocabulary),
  ...["deepseek-coder", "dbrx"].map(byteLevelVocabulary),
  sentencePieceVocabulary(true),
  sentencePieceVocabulary(false),
])("$name", (vocabulary) => {
  test("gives llama.cpp's ids", async () => {
    const tokenizer = createTokenizer(await vocabularyData(vocabulary));
    expectGolden(tokenizer, readGolden(vocabulary.name));
  });

  test("decodes what it encoded to the same text", async () => {
    const data = await vocabularyData(vocabulary);
    const tokenizer = createTokenizer(data);
    for (const text of texts) {
      const read = decoded(tokenizer, tokenizer.encode(text, { special: false, addEnds: false }));
      // SentencePiece's prefix space, and its mark for a space, cannot be distinguished from real ones.
      const spaced = (part: string) => (data.addSpacePrefix && part !== "" ? ` ${part}` : part);
      const parts = text.split("<|user|>").map(spaced).join("<|user|>");
      const expected = data.model === "llama" ? parts.replaceAll("▁", " ") : text;
      expect(read).toBe(expected);
    }
  });
});
