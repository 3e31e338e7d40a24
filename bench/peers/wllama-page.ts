/** Times wllama (llama.cpp in WebAssembly or on WebGPU) on a GGUF; a bench page. */
import { Wllama } from "@wllama/wllama";

export type WllamaOptions = {
  readonly modelUrl: string;
  readonly webgpu: boolean;
  readonly threads: number;
  readonly contextTokens: number;
  /** One measurement per prompt: its text, and how many tokens to decode after it. */
  readonly prompts: readonly { readonly text: string; readonly decode: number }[];
};

export type WllamaResult = {
  readonly version: string;
  readonly loadMs: number;
  readonly runs: readonly {
    readonly promptTokens: number;
    readonly promptMs: number;
    readonly decodedTokens: number;
    readonly decodeMs: number;
  }[];
};

const PACKAGE = "/node_modules/@wllama";

type Loaded = { readonly wllama: Wllama; readonly loadMs: number };

/** The model stays loaded between calls, so that a driver can interleave measurements. */
let loaded: Promise<Loaded> | null = null;

async function load(options: WllamaOptions): Promise<Loaded> {
  const wllama = new Wllama(
    { default: `${PACKAGE}/wllama/esm/wasm/wllama.wasm` },
    { suppressNativeLog: true },
  );
  if (options.webgpu) {
    const compat = {
      worker: `${PACKAGE}/wllama-compat/wasm/wllama.js`,
      wasm: `${PACKAGE}/wllama-compat/wasm/wllama.wasm`,
    };
    wllama.setCompat(compat, "firefox_safari");
  }
  const loadStart = performance.now();
  const file = await (await fetch(options.modelUrl)).blob();
  await wllama.loadModel([file], {
    n_ctx: options.contextTokens,
    n_threads: options.threads,
    n_gpu_layers: options.webgpu ? 999 : 0,
  });
  return { wllama, loadMs: performance.now() - loadStart };
}

/** Loads at the first call; later calls may change the prompts only. */
async function bench(options: WllamaOptions): Promise<WllamaResult> {
  const { wllama, loadMs } = await (loaded ??= load(options));
  const runs: WllamaResult["runs"][number][] = [];
  for (const { text, decode } of options.prompts) {
    const { timings } = await wllama.createCompletion({
      prompt: text,
      max_tokens: decode,
      temperature: 0,
      stream: false,
      // An answer that ends early would time fewer tokens than asked for.
      ignore_eos: true,
      cache_prompt: false,
    } as Parameters<Wllama["createCompletion"]>[0] & { stream: false });
    if (timings === undefined) throw new Error("wllama reported no timings");
    runs.push({
      promptTokens: timings.prompt_n,
      promptMs: timings.prompt_ms,
      decodedTokens: timings.predicted_n,
      decodeMs: timings.predicted_ms,
    });
    console.log(`wllama: ${timings.prompt_n} + ${timings.predicted_n} tokens`);
  }
  return { version: Wllama.getLibllamaVersion(), loadMs, runs };
}

Object.assign(globalThis, { tabmeshBench: bench });
