/**
 * All measurements in one browser. The engine and each peer alternate, so that a machine that becomes
 * slower or busier slows both.
 */
import { loadavg } from "node:os";
import { detailOf } from "../../src/shared/index.ts";
import {
  openBenchPage,
  type BenchBrowserName,
  type BenchServer,
} from "../../tools/browsers/bench-browser.ts";
import type { BenchOptions } from "./options.ts";
import { openLlamaCpp } from "../peers/llama-cpp.ts";
import { openWebLlm, webLlmFiles } from "../peers/webllm.ts";
import type { MatrixShapes } from "../peers/ort-graph.ts";
import { openOrt, openWllama } from "./peers.ts";
import { steadyTimes } from "./steady-times.ts";
import type {
  AheadReply,
  DecodeReply,
  EngineRequest,
  LoadPhases,
  LoadReply,
  ProbeReply,
  ProfileReply,
} from "./requests.ts";
import { machineName, type BrowserResult, type Samples } from "./results.ts";

/** Repetitions and sizes; a quick run gives rough numbers. */
const FULL = { rounds: 3, steps: 12, contexts: [64, 1024, 4096], ortRows: 400, wllamaLong: 1024 };
const QUICK = { rounds: 1, steps: 6, contexts: [64, 512], ortRows: 64, wllamaLong: 400 };

const PROMPTS = [16, 128, 400];
const BATCH_ROWS = 4;
/** A GPU takes about that long to reach its clocks; a software adapter computes one prompt. */
const PROMPTS_MS = 1000;
const PROFILE_CONTEXT = 256;
const NATIVE_CONTEXT = 1024;
const NATIVE_STEPS = 256;
/** Steps beyond the longest context that is measured. */
const SPARE_TOKENS = 64;
/** llama.cpp on lavapipe takes seconds per token. */
const WLLAMA_WEBGPU = { promptTokens: 8, decode: 4 };

type Engine = {
  ask<Reply>(request: EngineRequest): Promise<Reply>;
  close(): Promise<void>;
};

export async function measureBrowser(
  browser: BenchBrowserName,
  server: BenchServer,
  options: BenchOptions,
  log: (line: string) => void,
): Promise<BrowserResult> {
  const size = options.quick ? QUICK : FULL;
  const samples: Samples = {};
  const add = (work: string, ...ms: readonly number[]) => (samples[work] ??= []).push(...ms);
  const engine = await openEngine(browser, server, log);
  const modelUrl = `${server.origin}${options.modelPath}`;
  const setting = { browser, server, log, engine, samples, add, size, modelUrl };
  /** What is not installed, or cannot run this model, is left out. */
  const peer = async (name: string, run: () => Promise<unknown>) => {
    if (options.alone) return;
    await run().catch((error: unknown) => log(`${name} is not measured: ${detailOf(error)}`));
  };
  try {
    const probe = await engine.ask<ProbeReply>({ kind: "probe" });
    const load = await engine.ask<LoadReply>({
      kind: "load",
      modelUrl,
      contextTokens: size.contexts.at(-1)! + SPARE_TOKENS,
      sequences: BATCH_ROWS,
      activations: options.activations,
    });
    add("tabmesh load", load.loadMs);
    add("tabmesh first prompt 16", ...(await promptMs(engine, 16, 0)));
    const versions: Record<string, string> = {};
    await peer("wllama", async () => Object.assign(versions, await againstWllama(setting)));
    if (samples["tabmesh prefill 400"] === undefined)
      for (let i = 0; i < size.rounds; i++) await ours(setting);
    const contexts = await longContext(setting);
    const batch = await engine.ask<{ oneMs: number[]; manyMs: number[] }>({
      kind: "batch",
      rows: BATCH_ROWS,
      context: 64,
      steps: size.steps,
      rounds: size.rounds,
    });
    add("tabmesh one row", ...batch.oneMs);
    add("tabmesh four rows", ...batch.manyMs);
    const fixed = await engine.ask<{ bareMs: number[]; headMs: number[] }>({
      kind: "fixed",
      steps: 30,
    });
    add("tabmesh no layers", ...fixed.bareMs);
    add("tabmesh no layers, with head", ...fixed.headMs);
    const rows = probe.adapter.software ? size.ortRows : FULL.ortRows;
    await peer("onnxruntime-web", () => againstOrt(setting, load.shapes, rows));
    await peer("llama.cpp", () => againstLlamaCpp(setting, options.modelFile));
    await peer("WebLLM", () => againstWebLlm(setting));
    type Phases = { phases: LoadPhases | null };
    const { phases } = await engine.ask<Phases>({ kind: "phases", modelUrl });
    const profiles: ProfileReply[] = [];
    for (const [rows, least] of [
      [1, PROFILE_CONTEXT],
      [1, size.contexts.at(-1)!],
      [load.maxRows, PROFILE_CONTEXT],
    ] as const) {
      const context = Math.max(least, rows);
      profiles.push(await engine.ask<ProfileReply>({ kind: "profile", rows, context }));
    }
    await engine.close();
    // It takes minutes on SwiftShader.
    if (browser === "firefox" || !probe.adapter.software)
      await peer("wllama on WebGPU", () => wllamaOnWebGpu(setting));
    return {
      date: new Date().toISOString(),
      machine: machineName(),
      browser,
      quick: options.quick,
      activations: options.activations,
      otherModel: options.otherModel,
      loadAverage: loadavg()[0]!,
      ...probe,
      load,
      loadPhases: phases,
      versions,
      samples,
      profiles,
      ...contexts,
    };
  } finally {
    await engine.close();
  }
}

type Setting = {
  readonly browser: BenchBrowserName;
  readonly server: BenchServer;
  readonly log: (line: string) => void;
  readonly engine: Engine;
  readonly samples: Samples;
  readonly add: (work: string, ...ms: readonly number[]) => void;
  readonly size: typeof FULL;
  readonly modelUrl: string;
};

/** The engine's page; `close` may be called twice. */
export async function openEngine(
  browser: BenchBrowserName,
  server: BenchServer,
  log: (line: string) => void,
): Promise<Engine> {
  const page = await openBenchPage(browser, server, "/bench/engine/index.html", log);
  let closed = false;
  return {
    async ask<Reply>(request: EngineRequest) {
      log(`tabmesh: ${Object.values(request).slice(0, 3).join(" ")}`);
      return (await page.call(request)) as Reply;
    },
    async close() {
      if (!closed) await page.close();
      closed = true;
    },
  };
}

async function promptMs(engine: Engine, tokens: number, durationMs = PROMPTS_MS) {
  const request = { kind: "prefill", tokens, durationMs } as const;
  return (await engine.ask<{ ms: number[] }>(request)).ms;
}

/** One round of our own prompts and of decode at 64. */
async function ours({ engine, add, size }: Setting): Promise<void> {
  for (const tokens of PROMPTS) {
    add(`tabmesh prefill ${tokens}`, ...(await promptMs(engine, tokens)));
  }
  const request = { kind: "decode", contexts: [64], steps: size.steps, rounds: 1 } as const;
  add("tabmesh decode 64", ...(await engine.ask<DecodeReply>(request)).stepMs["64"]!);
}

/** Per token: a peer's prompt may differ by a token or two. */
async function againstWllama(setting: Setting): Promise<Record<string, string>> {
  const { browser, server, log, add, size, modelUrl } = setting;
  const model = { modelUrl, webgpu: false, contextTokens: size.wllamaLong + SPARE_TOKENS };
  const wllama = await openWllama(browser, server, model, log);
  const run = async (prompt: number, decode: number) => {
    const { promptTokens, promptMs, decodedTokens, decodeMs } = await wllama.run(prompt, decode);
    add(`wllama prefill ${prompt}`, (promptMs / promptTokens) * prompt);
    if (decode > 1) add(`wllama decode ${prompt}`, decodeMs / decodedTokens);
  };
  try {
    await wllama.run(16, 2); // pages in the weights
    add("wllama load", wllama.loadMs());
    for (let round = 0; round < size.rounds; round++) {
      await run(64, size.steps);
      await ours(setting);
      await run(16, 1);
      await run(128, 1);
      await run(400, size.steps);
    }
    if (size.wllamaLong > 400) await run(size.wllamaLong, size.steps);
    return { llamaCppInWllama: wllama.version() };
  } finally {
    await wllama.close();
  }
}

async function longContext({ engine, add, size }: Setting) {
  const memoryBytes: Record<string, number> = {};
  const total = (memory: Readonly<Record<string, number>>) =>
    Object.values(memory).reduce((a, b) => a + b, 0);
  let from = 0;
  for (const tokens of size.contexts) {
    type Filled = { fillMs: number; memory: Record<string, number> };
    const filled = await engine.ask<Filled>({ kind: "fill", from, tokens });
    add(`tabmesh fill ${from} to ${tokens}`, filled.fillMs);
    memoryBytes[`filled to ${tokens} of 1 generation`] = total(filled.memory);
    from = tokens;
  }
  const { contexts, steps, rounds } = size;
  const reply = await engine.ask<DecodeReply>({ kind: "decode", contexts, steps, rounds });
  for (const [context, ms] of Object.entries(reply.stepMs))
    add(`tabmesh context ${context}`, ...ms);
  for (const context of contexts)
    for (const inFlight of [1, 2, 4]) {
      const request = { kind: "ahead", context, durationMs: 100 * steps, inFlight } as const;
      const { stepMs, gpuMs } = await engine.ask<AheadReply>(request);
      add(`tabmesh context ${context}, ${inFlight} in flight`, stepMs);
      if (inFlight === 1 && gpuMs !== null)
        add(`tabmesh context ${context}, beyond the GPU`, stepMs - gpuMs);
    }
  return { counters: reply.counters, memoryBytes };
}

/** Decode against one row; prefill against the graph's `rows`, or scaled up to 400. */
async function againstOrt(setting: Setting, shapes: MatrixShapes, rows: number): Promise<void> {
  const { browser, server, log, engine, add, size } = setting;
  const decode = await openOrt(browser, server, shapes, 1, log);
  try {
    for (let round = 0; round < size.rounds; round++) {
      add("ort decode", await decode.step());
      const request = { kind: "decode", contexts: [64], steps: size.steps, rounds: 1 } as const;
      add("tabmesh decode 64", ...(await engine.ask<DecodeReply>(request)).stepMs["64"]!);
    }
    add("ort load", decode.loadMs());
  } finally {
    await decode.close();
  }
  const prefill = await openOrt(browser, server, shapes, rows, log);
  try {
    add(`ort prefill ${rows}`, ...(await steadyTimes(PROMPTS_MS, () => prefill.step())));
    add("tabmesh prefill 400", ...(await promptMs(engine, 400)));
  } finally {
    await prefill.close();
  }
}

/** Alternates with our decode as an answer runs it, so that both find the same clocks. */
async function againstLlamaCpp({ engine, add, size, log }: Setting, file: string): Promise<void> {
  const native = await openLlamaCpp(file, NATIVE_CONTEXT);
  if (native === null) throw new Error("it is missing, see bench/peers/llama-cpp.ts");
  log(`llama.cpp: ${native.device}`);
  try {
    const prompt = async () => (await native.run(400, 1)).promptMs;
    await native.run(400, 2); // compiles what a prompt of that length runs
    for (let round = 0; round < size.rounds; round++) {
      add("native prefill 400", ...(await steadyTimes(PROMPTS_MS, prompt)));
      add("tabmesh prefill 400", ...(await promptMs(engine, 400)));
      const { decodeMs } = await native.run(64, NATIVE_STEPS);
      add("native decode 64", decodeMs / NATIVE_STEPS);
      const request = { kind: "ahead", context: 64, durationMs: decodeMs, inFlight: 4 } as const;
      const { stepMs } = await engine.ask<AheadReply>(request);
      add("tabmesh context 64, 4 in flight", stepMs);
    }
  } finally {
    await native.close();
  }
}

/** Alternates with our decode as an answer runs it. Its model has another format, but the same shape. */
async function againstWebLlm({ browser, server, engine, add, size, log }: Setting): Promise<void> {
  const files = webLlmFiles(server.origin, process.env);
  if (typeof files === "string") throw new Error(`${files} is missing, see bench/peers/webllm.ts`);
  const peer = await openWebLlm(browser, server, files, NATIVE_CONTEXT, log);
  try {
    // Compiles what a prompt of that length runs.
    add("webllm load", (await peer.run(400, 2)).loadMs);
    const prompt = async () => {
      const { promptMs, promptTokens } = await peer.run(400, 1);
      return (promptMs / promptTokens) * 400;
    };
    for (let round = 0; round < size.rounds; round++) {
      add("webllm prefill 400", ...(await steadyTimes(PROMPTS_MS, prompt)));
      add("webllm decode 64", (await peer.run(64, NATIVE_STEPS)).decodeMs);
      add("tabmesh prefill 400", ...(await promptMs(engine, 400)));
      const request = { kind: "ahead", context: 64, durationMs: 1000, inFlight: 4 } as const;
      const { stepMs } = await engine.ask<AheadReply>(request);
      add("tabmesh context 64, 4 in flight", stepMs);
    }
  } finally {
    await peer.close();
  }
}

async function wllamaOnWebGpu({ browser, server, log, add, modelUrl }: Setting): Promise<void> {
  const model = { modelUrl, webgpu: true, contextTokens: 128 };
  const wllama = await openWllama(browser, server, model, log);
  try {
    const run = await wllama.run(WLLAMA_WEBGPU.promptTokens, WLLAMA_WEBGPU.decode);
    add("wllama_webgpu decode 64", run.decodeMs / run.decodedTokens);
    add("wllama_webgpu prefill 1", run.promptMs / run.promptTokens);
    add("wllama_webgpu load", wllama.loadMs());
  } finally {
    await wllama.close();
  }
}
