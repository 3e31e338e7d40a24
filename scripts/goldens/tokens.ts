/**
 * Golden tokens: llama.cpp's ids for difficult texts, in the order of `texts.json`, for
 * the default model's vocabulary and for a small vocabulary of each kind.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeGguf } from "../../tools/gguf/gguf-writer.ts";
import {
  byteLevelVocabulary,
  sentencePieceVocabulary,
} from "../../tools/gguf/tiny-vocabularies.ts";
import { DIFFICULT_TEXTS } from "./difficult-texts.ts";
import type { Oracle, OracleModel } from "./oracle.ts";

const TOKENS_FOLDER = "test/goldens/tokens";

/** Pre-tokenizers with golden tokens; null is a file without one. */
const PRE_TOKENIZERS = [
  null,
  "gpt-2",
  "smollm",
  "llama-bpe",
  "qwen2",
  "tekken",
  "deepseek-coder",
  "dbrx",
];

export async function writeTokenGoldens(oracle: Oracle, modelPath: string): Promise<void> {
  mkdirSync(TOKENS_FOLDER, { recursive: true });
  const texts = DIFFICULT_TEXTS.map((text) => JSON.stringify(text)).join(",\n");
  writeFileSync(join(TOKENS_FOLDER, "texts.json"), `[\n${texts}\n]\n`);
  const defaultModel = await oracle.loadModel({ modelPath, vocabOnly: true });
  writeGolden(oracle, "smollm2", defaultModel);
  const folder = mkdtempSync(join(tmpdir(), "vocabularies-"));
  const vocabularies = [
    ...PRE_TOKENIZERS.map(byteLevelVocabulary),
    sentencePieceVocabulary(true),
    sentencePieceVocabulary(false),
  ];
  for (const { name, metadata } of vocabularies) {
    const path = join(folder, `${name}.gguf`);
    writeFileSync(path, writeGguf({ metadata, tensors: [] }));
    writeGolden(oracle, name, await oracle.loadModel({ modelPath: path, vocabOnly: true }));
  }
  rmSync(folder, { recursive: true });
}

/** For each text: its ids with control tokens recognized, then with their texts as plain text. */
function writeGolden(oracle: Oracle, name: string, model: OracleModel): void {
  const lines = DIFFICULT_TEXTS.map((text) => {
    const special = model.tokenize(text, true);
    const plain = model.tokenize(text, false);
    const same = JSON.stringify(special) === JSON.stringify(plain);
    return JSON.stringify(same ? [special] : [special, plain]);
  });
  const header = `"oracle": ${JSON.stringify(oracle.version)}`;
  writeFileSync(
    join(TOKENS_FOLDER, `${name}.json`),
    `{\n${header},\n"ids": [\n${lines.join(",\n")}\n]\n}\n`,
  );
  console.log(`${name}: ${lines.length} texts`);
}
