/**
 * `npm run synthetic -- SHAPE FORMAT FILE`: a GGUF of a published model's shape with random weights and
 * the default model's tokenizer, so that a machine that cannot download anything measures real sizes:
 *
 *   npm run synthetic -- qwen2.5-1.5b q4_0 models/synthetic.gguf
 *   npm run bench -- engine --model models/synthetic.gguf
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { gguf } from "@huggingface/gguf";
import { writeSynthetic } from "../tools/gguf/synthetic-gguf.ts";

const MODEL_PATH = "models/SmolLM2-135M-Instruct.Q4_1.gguf";

const [name = "", format = "", file] = process.argv.slice(2);
if (file === undefined) throw new Error("usage: npm run synthetic -- SHAPE FORMAT FILE");
const { typedMetadata } = await gguf(MODEL_PATH, { allowLocalFile: true, typedMetadata: true });
const output = openSync(file, "w");
const bytes = writeSynthetic({ name, format }, typedMetadata, (part) => {
  for (let at = 0; at < part.length;) at += writeSync(output, part, at);
});
closeSync(output);
console.log(`${file}: ${(bytes / 1e9).toFixed(2)} GB`);
