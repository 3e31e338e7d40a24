/**
 * llama.cpp itself, on the machine's GPU where its build has one, through node-llama-cpp. It is no
 * dependency, since its other platforms total a gigabyte: install it anywhere, without scripts, and
 * name its folder in NODE_LLAMA_CPP.
 */
import { join } from "node:path";

/** What is used of https://node-llama-cpp.withcat.ai/api/. */
type Sequence = {
  clearHistory(): Promise<void>;
  evaluate(tokens: readonly number[], options: object): AsyncIterable<number>;
};
type Package = {
  getLlama(options: object): Promise<{
    readonly gpu: string | false;
    loadModel(options: object): Promise<{
      tokenize(text: string): number[];
      createContext(options: object): Promise<{ getSequence(): Sequence }>;
      dispose(): Promise<void>;
    }>;
  }>;
};

export type LlamaCpp = {
  /** "vulkan", "metal", or "cpu". */
  readonly device: string;
  /** A prompt of `promptTokens`, then `decode` tokens. */
  run(
    promptTokens: number,
    decode: number,
  ): Promise<{ readonly promptMs: number; readonly decodeMs: number }>;
  close(): Promise<void>;
};

/** Null where the package is not installed. */
export async function openLlamaCpp(file: string, contextTokens: number): Promise<LlamaCpp | null> {
  const installed = await importPackage();
  if (installed === null) return null;
  const open = (gpu: string) => installed.getLlama({ gpu, build: "never", logLevel: "error" });
  // "auto" finds no Vulkan driver outside the usual folders.
  const llama = await open("auto").catch(() => open("vulkan"));
  const gpuLayers = llama.gpu === false ? 0 : "max";
  const model = await llama.loadModel({ modelPath: file, gpuLayers });
  const context = await model.createContext({ contextSize: contextTokens, batchSize: 512 });
  const sequence = context.getSequence();
  return {
    device: llama.gpu === false ? "cpu" : llama.gpu,
    async run(promptTokens, decode) {
      await sequence.clearHistory();
      const words = Array<string>(promptTokens).fill(" time").join("");
      const prompt = model.tokenize(words).slice(0, promptTokens);
      const options = { temperature: 0, yieldEogToken: true };
      const answer = sequence.evaluate(prompt, options)[Symbol.asyncIterator]();
      const start = performance.now();
      await answer.next();
      const promptMs = performance.now() - start;
      for (let i = 0; i < decode; i++) await answer.next();
      const decodeMs = performance.now() - start - promptMs;
      await answer.return?.();
      return { promptMs, decodeMs };
    },
    close: () => model.dispose(),
  };
}

async function importPackage(): Promise<Package | null> {
  const folder = process.env["NODE_LLAMA_CPP"];
  const name = folder === undefined ? "node-llama-cpp" : join(folder, "dist", "index.js");
  try {
    return (await import(name)) as Package;
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_MODULE_NOT_FOUND") return null;
    throw error;
  }
}
