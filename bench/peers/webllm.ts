/**
 * WebLLM (https://webllm.mlc.ai), which runs models that MLC compiled, not GGUF files. The package is no
 * dependency, and its libraries fit only some of its versions:
 *
 * 1. Unpack @mlc-ai/web-llm 0.2.79 to FOLDER. Only its package.json and lib/index.js are used.
 * 2. Download Qwen2-1.5B-Instruct-q4f16_1-ctx4k_cs1k-webgpu.wasm from web-llm-models/v0_2_48 of
 *    https://github.com/mlc-ai/binary-mlc-llm-libs, or q4f32_1 where the adapter has no `shader-f16`.
 * 3. Write models of that shape with random weights, for WebLLM and for the engine:
 *
 *        npm run synthetic -- mlc LIBRARY.wasm MODEL
 *        npm run synthetic -- qwen2.5-1.5b q4_0 FILE.gguf
 *
 * 4. WEB_LLM=FOLDER WEB_LLM_MODEL=MODEL npm run bench -- engine --chromium --model=FILE.gguf
 */
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  openBenchPage,
  type BenchBrowserName,
  type BenchServer,
} from "../../tools/browsers/bench-browser.ts";
import type { WebLlmOptions, WebLlmResult } from "./webllm-page.ts";

export type WebLlm = {
  /** A prompt of about `promptTokens`, then `decode` tokens. */
  run(promptTokens: number, decode: number): Promise<WebLlmResult>;
  close(): Promise<void>;
};

export type WebLlmFiles = Pick<WebLlmOptions, "moduleUrl" | "modelUrl" | "libraryUrl">;

/** The addresses at a server of Vite, or the name of what is missing. */
export function webLlmFiles(
  origin: string,
  env: Readonly<Record<string, string | undefined>>,
): WebLlmFiles | string {
  const url = (path: string) => `${origin}/@fs${resolve(path)}`;
  const module = join(env["WEB_LLM"] ?? "node_modules/@mlc-ai/web-llm", "lib", "index.js");
  if (!existsSync(module)) return "@mlc-ai/web-llm";
  const folder = env["WEB_LLM_MODEL"];
  if (folder === undefined || !existsSync(join(folder, "mlc-chat-config.json")))
    return "a model for it (WEB_LLM_MODEL)";
  const library = readdirSync(folder).find((name) => name.endsWith(".wasm"));
  if (library === undefined) return "the .wasm library of its model";
  return { moduleUrl: url(module), modelUrl: url(folder), libraryUrl: url(join(folder, library)) };
}

export async function openWebLlm(
  browser: BenchBrowserName,
  server: BenchServer,
  files: WebLlmFiles,
  contextTokens: number,
  log: (line: string) => void,
): Promise<WebLlm> {
  const page = await openBenchPage(browser, server, "/bench/peers/webllm.html", log);
  return {
    async run(promptTokens, decode) {
      const options: WebLlmOptions = { ...files, contextTokens, promptTokens, decode };
      return (await page.call(options)) as WebLlmResult;
    },
    close: () => page.close(),
  };
}
