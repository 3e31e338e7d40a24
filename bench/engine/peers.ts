/** The alternatives, opened on the same machine and browser. Rejects where they are not installed. */
import { existsSync } from "node:fs";
import {
  openBenchPage,
  type BenchBrowserName,
  type BenchPage,
  type BenchServer,
} from "../../tools/browsers/bench-browser.ts";
import type { OrtOptions, OrtResult } from "../peers/ort-page.ts";
import type { MatrixShapes } from "../peers/ort-graph.ts";
import type { WllamaOptions, WllamaResult } from "../peers/wllama-page.ts";

export const MODEL_PATH = "/models/SmolLM2-135M-Instruct.Q4_1.gguf";

export type Wllama = {
  /** A prompt of about `promptTokens`, then `decode` tokens. */
  run(promptTokens: number, decode: number): Promise<WllamaResult["runs"][number]>;
  loadMs(): number;
  version(): string;
  close(): Promise<void>;
};

const THREADS = 2;

export async function openWllama(
  browser: BenchBrowserName,
  server: BenchServer,
  model: Pick<WllamaOptions, "modelUrl" | "webgpu" | "contextTokens">,
  log: (line: string) => void,
): Promise<Wllama> {
  checkInstalled("@wllama/wllama");
  const page = await openBenchPage(browser, server, "/bench/peers/wllama.html", log);
  let last: WllamaResult | null = null;
  const run = async (promptTokens: number, decode: number) => {
    const prompts = [{ text: promptOf(promptTokens), decode }];
    const options: WllamaOptions = { ...model, threads: THREADS, prompts };
    last = (await page.call(options)) as WllamaResult;
    return last.runs[0]!;
  };
  return {
    run,
    loadMs: () => last?.loadMs ?? NaN,
    version: () => last?.version ?? "",
    close: () => page.close(),
  };
}

/** " time" is one token of SmolLM2's vocabulary; the work does not depend on the words. */
const promptOf = (tokens: number) => Array<string>(tokens).fill("time").join(" ");

export type Ort = {
  step(): Promise<number>;
  loadMs(): number;
  close(): Promise<void>;
};

/** The matrix work of one step of `rows` rows of a model with these shapes. */
export async function openOrt(
  browser: BenchBrowserName,
  server: BenchServer,
  shapes: MatrixShapes,
  rows: number,
  log: (line: string) => void,
): Promise<Ort> {
  checkInstalled("onnxruntime-web");
  const page: BenchPage = await openBenchPage(browser, server, "/bench/peers/ort.html", log);
  let loadMs = NaN;
  return {
    async step() {
      const options: OrtOptions = { shapes, rows, repeats: 1 };
      const result = (await page.call(options)) as OrtResult;
      loadMs = result.loadMs;
      return result.stepMs[0]!;
    },
    loadMs: () => loadMs,
    close: () => page.close(),
  };
}

function checkInstalled(name: string): void {
  if (!existsSync(`node_modules/${name}`)) throw new Error(`${name} is missing`);
}
