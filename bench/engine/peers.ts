/** The alternatives, opened on the same machine and browser. */
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

/** SmolLM2-135M's matrices. */
export const SHAPES: MatrixShapes = {
  layers: 30,
  hidden: 576,
  attentionRows: 960,
  feedForward: 1536,
  vocabulary: 49_152,
};

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
  { webgpu, contextTokens }: { readonly webgpu: boolean; readonly contextTokens: number },
  log: (line: string) => void,
): Promise<Wllama> {
  const page = await openBenchPage(browser, server, "/bench/peers/wllama.html", log);
  let last: WllamaResult | null = null;
  const run = async (promptTokens: number, decode: number) => {
    const options: WllamaOptions = {
      modelUrl: `${server.origin}${MODEL_PATH}`,
      webgpu,
      threads: THREADS,
      contextTokens,
      prompts: [{ text: promptOf(promptTokens), decode }],
    };
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

/** The matrix work of one step of `rows` rows. */
export async function openOrt(
  browser: BenchBrowserName,
  server: BenchServer,
  rows: number,
  log: (line: string) => void,
): Promise<Ort> {
  const page: BenchPage = await openBenchPage(browser, server, "/bench/peers/ort.html", log);
  let loadMs = NaN;
  return {
    async step() {
      const options: OrtOptions = { shapes: SHAPES, rows, repeats: 1 };
      const result = (await page.call(options)) as OrtResult;
      loadMs = result.loadMs;
      return result.stepMs[0]!;
    },
    loadMs: () => loadMs,
    close: () => page.close(),
  };
}
