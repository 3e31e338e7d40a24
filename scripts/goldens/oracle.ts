/**
 * llama.cpp, the oracle of the golden files, through `node-llama-cpp`.
 *
 * It is not a dependency of this project: it is in the folder `TABMESH_ORACLE`, or in
 * `.cache/llama`, where it is installed if missing.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** The version that wrote the committed files. */
const ORACLE_VERSION = "3.22.1";

/** The part of node-llama-cpp's interface that is used here. */
export type OracleModel = {
  tokenize(text: string, specialTokens?: boolean): number[];
  detokenize(tokens: readonly number[], specialTokens?: boolean): string;
  createContext(options: object): Promise<OracleContext>;
  dispose(): Promise<void>;
};
type OracleContext = { getSequence(): OracleSequence; dispose(): Promise<void> };
type NextToken = { logits?: Map<number, number>; totalLogitWeight?: number };
export type OracleSequence = {
  clearHistory(): Promise<void>;
  controlledEvaluate(
    input: (number | [number, object])[],
  ): Promise<({ next: NextToken } | undefined)[]>;
};

export type Oracle = {
  readonly version: string;
  loadModel(options: { modelPath: string; vocabOnly?: boolean }): Promise<OracleModel>;
};

/** Installs the oracle if it is missing and starts it on the CPU. */
export async function openOracle(): Promise<Oracle> {
  const folder = resolve(process.env.TABMESH_ORACLE ?? ".cache/llama");
  const installed = join(folder, "node_modules/node-llama-cpp");
  if (!existsSync(installed)) install(folder);
  const { version } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as {
    version: string;
  };
  const library = (await import(pathToFileURL(join(installed, "dist/index.js")).href)) as {
    getLlama(options: object): Promise<{
      llamaCppRelease: { release: string };
      loadModel(options: object): Promise<OracleModel>;
    }>;
  };
  const llama = await library.getLlama({
    gpu: false,
    build: "never",
    progressLogs: false,
    logLevel: "fatal",
  });
  return {
    version: `node-llama-cpp ${version}, llama.cpp ${llama.llamaCppRelease.release}`,
    loadModel: (options) => llama.loadModel({ gpuLayers: 0, ...options }),
  };
}

export type OracleStep = {
  readonly token: number;
  /** The five most probable tokens with their probabilities, best first. */
  readonly top: readonly (readonly [token: number, probability: number])[];
};

/** Greedy continuation of `prompt`, also after end tokens, with the most probable tokens. */
export async function continueGreedily(
  sequence: OracleSequence,
  prompt: readonly number[],
  count: number,
  /** Tokens to continue with instead of the oracle's choice. */
  forced: readonly number[] = [],
): Promise<OracleStep[]> {
  await sequence.clearHistory();
  const ask = {
    generateNext: {
      logits: { filter: { tokens: [], includeTop: 5 } },
      totalLogitWeight: true,
      options: { temperature: 0 },
    },
  };
  const steps: OracleStep[] = [];
  let input = [...prompt];
  while (steps.length < count) {
    const last = input.pop();
    if (last === undefined) throw new Error("a prompt has at least one token");
    const results = await sequence.controlledEvaluate([...input, [last, ask]]);
    const step = readStep(results.at(-1)?.next);
    input = [forced[steps.length] ?? step.token];
    steps.push(step);
  }
  return steps;
}

/** The logits after `prompt` and after each of `forced` but the last: [forced.length][vocabulary]. */
export async function logitsOf(
  sequence: OracleSequence,
  prompt: readonly number[],
  forced: readonly number[],
  vocabulary: number,
): Promise<Float32Array[]> {
  await sequence.clearHistory();
  const logits = { filter: { tokens: [], includeTop: vocabulary } };
  const ask = { generateNext: { logits, options: { temperature: 0 } } };
  const all: Float32Array[] = [];
  let input = [...prompt];
  for (const token of forced) {
    const last = input.pop()!;
    const results = await sequence.controlledEvaluate([...input, [last, ask]]);
    const next = results.at(-1)?.next.logits;
    if (next?.size !== vocabulary) throw new Error(`the oracle gave ${next?.size} logits`);
    const row = new Float32Array(vocabulary);
    for (const [id, logit] of next) row[id] = logit;
    all.push(row);
    input = [token];
  }
  return all;
}

function readStep(next: NextToken | undefined): OracleStep {
  const logits = [...(next?.logits ?? [])].sort((a, b) => b[1] - a[1]).slice(0, 5);
  const best = logits[0];
  const weight = next?.totalLogitWeight;
  if (best === undefined || weight === undefined) throw new Error("the oracle gave no logits");
  const probability = (logit: number) => Math.exp(logit - best[1]) / weight;
  return { token: best[0], top: logits.map(([token, logit]) => [token, probability(logit)]) };
}

function install(folder: string): void {
  console.log(`Installing node-llama-cpp ${ORACLE_VERSION} into ${folder} ...`);
  mkdirSync(folder, { recursive: true });
  const manifest = join(folder, "package.json");
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "private": true }\n');
  const packages = [
    `node-llama-cpp@${ORACLE_VERSION}`,
    `@node-llama-cpp/linux-x64@${ORACLE_VERSION}`,
  ];
  const options = ["--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"];
  execFileSync("npm", ["install", ...options, ...packages], { cwd: folder, stdio: "inherit" });
}
