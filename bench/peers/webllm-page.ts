/** Times WebLLM on a model that MLC compiled; a bench page. */

export type WebLlmOptions = {
  /** The package's module. */
  readonly moduleUrl: string;
  /** The folder with mlc-chat-config.json, the tokenizer, and the weights. */
  readonly modelUrl: string;
  /** The model's WebAssembly library. */
  readonly libraryUrl: string;
  readonly contextTokens: number;
  /** About as many tokens before, and exactly as many after. */
  readonly promptTokens: number;
  readonly decode: number;
};

export type WebLlmResult = {
  readonly loadMs: number;
  readonly promptTokens: number;
  readonly promptMs: number;
  readonly decodeMs: number;
};

/** What is used of @mlc-ai/web-llm, which is no dependency: models for it cannot be made from a GGUF. */
export type WebLlmModule = {
  CreateMLCEngine: (
    modelId: string,
    config: {
      appConfig: { model_list: { model: string; model_id: string; model_lib: string }[] };
    },
    chat: { context_window_size: number },
  ) => Promise<{
    resetChat(): Promise<void>;
    chat: {
      completions: {
        create(request: {
          messages: { role: "user"; content: string }[];
          max_tokens: number;
          temperature: number;
          ignore_eos: boolean;
          stream: false;
        }): Promise<{ usage?: Usage }>;
      };
    };
  }>;
};
type Usage = {
  prompt_tokens: number;
  completion_tokens: number;
  extra: { prefill_tokens_per_s: number; decode_tokens_per_s: number };
};

type Loaded = {
  readonly engine: Awaited<ReturnType<WebLlmModule["CreateMLCEngine"]>>;
  readonly loadMs: number;
};

/** The model stays loaded between calls, so that a driver can interleave measurements. */
let loaded: Promise<Loaded> | null = null;

async function load(options: WebLlmOptions): Promise<Loaded> {
  const { CreateMLCEngine } = (await import(/* @vite-ignore */ options.moduleUrl)) as WebLlmModule;
  const start = performance.now();
  // It appends "resolve/main/" to every address that has no such part; the browser removes this one.
  const model = `${options.modelUrl}/resolve/main/../../`;
  const record = { model, model_id: "bench", model_lib: options.libraryUrl };
  const config = { appConfig: { model_list: [record] } };
  const chat = { context_window_size: options.contextTokens };
  const engine = await CreateMLCEngine("bench", config, chat);
  return { engine, loadMs: performance.now() - start };
}

async function bench(options: WebLlmOptions): Promise<WebLlmResult> {
  const { engine, loadMs } = await (loaded ??= load(options));
  await engine.resetChat(); // or it computes only what is new
  const { usage } = await engine.chat.completions.create({
    messages: [{ role: "user", content: Array(options.promptTokens).fill("time").join(" ") }],
    max_tokens: options.decode,
    temperature: 0,
    ignore_eos: true,
    stream: false,
  });
  if (usage === undefined) throw new Error("WebLLM reported no usage");
  const { prefill_tokens_per_s: prefillRate, decode_tokens_per_s: decodeRate } = usage.extra;
  return {
    loadMs,
    promptTokens: usage.prompt_tokens,
    promptMs: (1000 * usage.prompt_tokens) / prefillRate,
    decodeMs: 1000 / decodeRate,
  };
}

Object.assign(globalThis, { tabmeshBench: bench });
