/**
 * Models of a published shape with random weights and the default model's tokenizer, so that a machine
 * that cannot download anything measures real sizes.
 *
 * `npm run synthetic -- SHAPE FORMAT FILE` writes a GGUF:
 *
 *   npm run synthetic -- qwen2.5-1.5b q4_0 models/synthetic.gguf
 *   npm run bench -- engine --model=models/synthetic.gguf
 *
 * `npm run synthetic -- mlc LIBRARY.wasm FOLDER` writes a model for WebLLM (bench/peers/webllm.ts), with its
 * library.
 */
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import { gguf } from "@huggingface/gguf";
import { SHAPES, writeSynthetic } from "../tools/gguf/synthetic-gguf.ts";
import { writeSyntheticMlc } from "../tools/mlc/synthetic-mlc.ts";

const MODEL_PATH = "models/SmolLM2-135M-Instruct.Q4_1.gguf";

const [name = "", format = "", path] = process.argv.slice(2);
if (path === undefined || (name !== "mlc" && !(name.toLowerCase() in SHAPES))) {
  console.error("usage: npm run synthetic -- SHAPE FORMAT FILE, or -- mlc LIBRARY.wasm FOLDER");
  console.error(`The shapes are ${Object.keys(SHAPES).join(", ")}.`);
  process.exit(1);
}
const { typedMetadata } = await gguf(MODEL_PATH, { allowLocalFile: true, typedMetadata: true });
if (name === "mlc") {
  mkdirSync(path, { recursive: true });
  copyFileSync(format, join(path, basename(format)));
  const texts = (key: string) => typedMetadata[`tokenizer.ggml.${key}`]!.value as string[];
  const tokenizer = { tokens: texts("tokens"), merges: texts("merges") };
  let bytes = 0;
  writeSyntheticMlc(readFileSync(format), tokenizer, (file, content) => {
    writeFileSync(join(path, file), content);
    bytes += content.length;
  });
  console.log(`${path}: ${(bytes / 1e9).toFixed(2)} GB`);
} else {
  const output = openSync(path, "w");
  const bytes = writeSynthetic({ name, format }, typedMetadata, (part) => {
    for (let at = 0; at < part.length;) at += writeSync(output, part, at);
  });
  closeSync(output);
  console.log(`${path}: ${(bytes / 1e9).toFixed(2)} GB`);
}
