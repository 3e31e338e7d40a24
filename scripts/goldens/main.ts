/**
 * Makes the golden files: what llama.cpp answers and how it tokenises.
 *
 *   npm run goldens             everything
 *   npm run goldens -- answers  test/goldens/answers/*.json, one per prompt
 *   npm run goldens -- tokens   test/goldens/tokens/*.json, one per vocabulary
 *
 * The oracle is `node-llama-cpp` on the CPU (see `oracle.ts`), the model is the
 * default one in `models/`. An answer holds the prompt's token ids, and for each
 * of 48 greedy tokens the oracle's five most probable tokens. Generation goes on
 * past end tokens. Probabilities are of the whole vocabulary, temperature 1.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { continueGreedily, type Oracle, openOracle } from "./oracle.ts";
import { PROMPTS } from "./prompts.ts";
import { writeTokenGoldens } from "./tokens.ts";

const MODEL_PATH = "models/SmolLM2-135M-Instruct.Q4_1.gguf";
const ANSWERS_FOLDER = "test/goldens/answers";
const ANSWER_TOKENS = 48;

async function writeAnswerGoldens(oracle: Oracle): Promise<void> {
  const sha256 = createHash("sha256").update(readFileSync(MODEL_PATH)).digest("hex");
  const model = await oracle.loadModel({ modelPath: MODEL_PATH });
  const context = await model.createContext({
    contextSize: 1024,
    batchSize: 512,
    threads: 2,
    flashAttention: false,
  });
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
      top: steps.map(({ top }) => top.map(([token, p]) => [token, Number(p.toFixed(4))])),
    };
    writeFileSync(join(ANSWERS_FOLDER, `${name}.json`), compactJson(golden));
    console.log(`${name}: ${promptTokens.length} tokens, ${JSON.stringify(golden.answer)}`);
  }
  await context.dispose();
  await model.dispose();
}

/** One line per key, so that a changed file shows what changed. */
function compactJson(object: object): string {
  const lines = Object.entries(object).map(
    ([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`,
  );
  return `{\n${lines.join(",\n")}\n}\n`;
}

const wanted = process.argv[2];
const oracle = await openOracle();
if (wanted === undefined || wanted === "answers") await writeAnswerGoldens(oracle);
if (wanted === undefined || wanted === "tokens") await writeTokenGoldens(oracle, MODEL_PATH);
process.exit(0); // the oracle's threads would keep the process alive
