/**
 * Writes the golden files: llama.cpp's answers and token ids.
 *
 *   npm run goldens             everything
 *   npm run goldens -- answers  test/goldens/answers/*.json, one per prompt
 *   npm run goldens -- floats   adds llama.cpp's probabilities with F32 weights
 *   npm run goldens -- tokens   test/goldens/tokens/*.json, one per vocabulary
 *
 * The oracle is `node-llama-cpp` on the CPU (see `oracle.ts`), the model is the
 * default one in `models/`. An answer has the prompt's token ids and, for each of 48
 * greedy tokens, the oracle's five most probable tokens. Generation continues after
 * end tokens. Probabilities are over the whole vocabulary at temperature 1.
 *
 * `floatTop` is the same with the weights as F32 and the same input tokens, for at least
 * 12 tokens and up to the first near-tie. With quantized weights, llama.cpp rounds
 * activations to 8 bits, which changes probabilities of these answers by up to 0.13; at
 * a near-tie, the rounding decides.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { continueGreedily, type Oracle, openOracle } from "./oracle.ts";
import { writeFloatModel } from "./float-model.ts";
import { PROMPTS } from "./prompts.ts";
import { writeTokenGoldens } from "./tokens.ts";

const MODEL_PATH = "models/SmolLM2-135M-Instruct.Q4_1.gguf";
const ANSWERS_FOLDER = "test/goldens/answers";
const ANSWER_TOKENS = 48;
const FLOAT_MODEL_PATH = ".cache/float-model.gguf";
const NEAR_TIE = 0.1;
/** Even if the first near-tie comes sooner. */
const MIN_FLOAT_TOKENS = 12;

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
      top: steps.map(({ top }) => rounded(top)),
    };
    writeFileSync(join(ANSWERS_FOLDER, `${name}.json`), compactJson(golden));
    console.log(`${name}: ${promptTokens.length} tokens, ${JSON.stringify(golden.answer)}`);
  }
  await context.dispose();
  await model.dispose();
}

async function addFloatAnswers(oracle: Oracle): Promise<void> {
  await writeFloatModel(MODEL_PATH, FLOAT_MODEL_PATH);
  const model = await oracle.loadModel({ modelPath: FLOAT_MODEL_PATH });
  const context = await model.createContext({ contextSize: 1024, batchSize: 512, threads: 2 });
  const sequence = context.getSequence();
  for (const { name } of PROMPTS) {
    const path = join(ANSWERS_FOLDER, `${name}.json`);
    const golden = JSON.parse(readFileSync(path, "utf8")) as AnswerGolden;
    const tie = golden.top.findIndex(([best, next]) => best![1] - (next?.[1] ?? 0) < NEAR_TIE);
    const count = tie < 0 ? golden.tokens.length : Math.max(tie, MIN_FLOAT_TOKENS);
    const steps = await continueGreedily(sequence, golden.promptTokens, count, golden.tokens);
    writeFileSync(path, compactJson({ ...golden, floatTop: steps.map(({ top }) => rounded(top)) }));
    console.log(`${name}: ${count} tokens with F32 weights`);
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
const oracle = await openOracle();
if (wanted === undefined || wanted === "answers") await writeAnswerGoldens(oracle);
if (wanted === undefined || wanted === "floats") await addFloatAnswers(oracle);
if (wanted === undefined || wanted === "tokens") await writeTokenGoldens(oracle, MODEL_PATH);
process.exit(0); // the oracle's threads would keep the process alive
