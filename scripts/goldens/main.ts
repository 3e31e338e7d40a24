/**
 * Writes the golden files: llama.cpp's answers and token ids.
 *
 *   npm run goldens             everything
 *   npm run goldens -- answers  test/goldens/answers/*.json, one per prompt
 *   npm run goldens -- errors   adds the exact logits and llama.cpp's errors (minutes; names choose answers)
 *   npm run goldens -- tokens   test/goldens/tokens/*.json, one per vocabulary
 *
 * The oracle is `node-llama-cpp` on the CPU (see `oracle.ts`), the model is the
 * default one in `models/`. An answer has the prompt's token ids and, for each of 48
 * greedy tokens, the oracle's five most probable tokens. Generation continues after
 * end tokens. Probabilities are over the whole vocabulary at temperature 1.
 *
 * `exact` has what f64 sums give for the same input tokens, and how far llama.cpp is from that
 * (errors.ts). Where its error, or one as large, could choose another token, any of these is right.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { continueGreedily, type Oracle, openOracle } from "./oracle.ts";
import { possibleTokens } from "../../tools/engine/logit-error.ts";
import { openExact } from "./errors.ts";
import { PROMPTS } from "./prompts.ts";
import { writeTokenGoldens } from "./tokens.ts";

const MODEL_PATH = "models/SmolLM2-135M-Instruct.Q4_1.gguf";
const ANSWERS_FOLDER = "test/goldens/answers";
const ANSWER_TOKENS = 48;
const CONTEXT = { contextSize: 1024, batchSize: 512, threads: 2, flashAttention: false };

async function writeAnswerGoldens(oracle: Oracle): Promise<void> {
  const sha256 = createHash("sha256").update(readFileSync(MODEL_PATH)).digest("hex");
  const model = await oracle.loadModel({ modelPath: MODEL_PATH });
  const context = await model.createContext(CONTEXT);
  const sequence = context.getSequence();
  mkdirSync(ANSWERS_FOLDER, { recursive: true });
  for (const { name, text, messages } of PROMPTS) {
    const promptTokens = model.tokenize(text, true);
    const steps = await continueGreedily(sequence, promptTokens, ANSWER_TOKENS);
    const golden = {
      name,
      model: { file: basename(MODEL_PATH), sha256 },
      oracle: oracle.version,
      ...(messages === undefined ? {} : { messages }),
      prompt: text,
      promptTokens,
      answer: model.detokenize(
        steps.map(({ token }) => token),
        true,
      ),
      tokens: steps.map(({ token }) => token),
      top: steps.map(({ top }) => rounded(top)),
    };
    writeFileSync(join(ANSWERS_FOLDER, `${name}.json`), compactJson(golden));
    console.log(`${name}: ${promptTokens.length} tokens, ${JSON.stringify(golden.answer)}`);
  }
  await context.dispose();
  await model.dispose();
}

/** Of all answers, or of those with these names. */
async function addErrors(oracle: Oracle, names: readonly string[]): Promise<void> {
  const exactly = await openExact(MODEL_PATH);
  const model = await oracle.loadModel({ modelPath: MODEL_PATH });
  const context = await model.createContext(CONTEXT);
  const sequence = context.getSequence();
  for (const { name } of PROMPTS) {
    if (names.length > 0 && !names.includes(name)) continue;
    const path = join(ANSWERS_FOLDER, `${name}.json`);
    const golden = JSON.parse(readFileSync(path, "utf8")) as AnswerGolden;
    const exact = await exactly(sequence, golden.promptTokens, golden.tokens);
    const decided = exact.top.map((_, i) => possibleTokens(exact, i).length === 1);
    exact.top.forEach(([best], i) => {
      if (decided[i] && best![0] !== golden.tokens[i]) throw new Error(`${name}: token ${i}`);
    });
    writeFileSync(path, compactJson({ ...golden, exact }));
    console.log(`${name}: llama.cpp's error is ${exact.error}; decided: ${decided.join(" ")}`);
  }
  await context.dispose();
  await model.dispose();
}

type AnswerGolden = {
  readonly promptTokens: readonly number[];
  readonly tokens: readonly number[];
  readonly top: readonly (readonly (readonly [token: number, probability: number])[])[];
};

const rounded = (top: AnswerGolden["top"][number]) =>
  top.map(([token, p]) => [token, Number(p.toFixed(4))]);

/** One line per key, so that a changed file shows what changed. */
function compactJson(object: object): string {
  const lines = Object.entries(object).map(
    ([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`,
  );
  return `{\n${lines.join(",\n")}\n}\n`;
}

const wanted = process.argv[2];
if (wanted !== undefined && !["answers", "errors", "tokens"].includes(wanted)) {
  console.error("usage: npm run goldens [-- answers | -- errors [NAME…] | -- tokens]");
  process.exit(1);
}
const oracle = await openOracle();
if (wanted === undefined || wanted === "answers") await writeAnswerGoldens(oracle);
if (wanted === undefined || wanted === "errors") {
  await addErrors(oracle, process.argv.slice(3));
}
if (wanted === undefined || wanted === "tokens") await writeTokenGoldens(oracle, MODEL_PATH);
process.exit(0); // the oracle's threads would keep the process alive
