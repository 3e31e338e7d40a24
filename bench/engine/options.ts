/** The words after `npm run bench -- engine`. */
import { basename, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { BenchBrowserName } from "../../tools/browsers/bench-browser.ts";
import { MODEL_PATH } from "./peers.ts";

export type BenchOptions = {
  readonly browsers: readonly BenchBrowserName[];
  readonly json: boolean;
  /** Fewer tokens, one round, contexts up to 512: minutes instead of half an hour. */
  readonly quick: boolean;
  /** Only the engine, kernel by kernel, against the adapter's roofline. */
  readonly profile: boolean;
  /** No peers: for work on the engine. */
  readonly alone: boolean;
  /** The name of another model than the default one. */
  readonly otherModel: string | null;
  /** The model's file. */
  readonly modelFile: string;
  readonly activations: "float" | "int8";
  /** Where the bench's server has the model. */
  readonly modelPath: string;
};

const BROWSERS: readonly BenchBrowserName[] = ["chromium", "firefox"];

export function parseOptions(args: string[]): BenchOptions {
  const options = { model: { type: "string" } } as const;
  const { values } = parseArgs({ args, options, strict: false });
  const has = (name: string) => (values as Record<string, unknown>)[name] === true;
  const named = BROWSERS.filter(has);
  const model = values.model === undefined ? undefined : String(values.model);
  return {
    browsers: named.length > 0 ? named : BROWSERS,
    json: has("json"),
    quick: has("quick"),
    profile: has("profile"),
    alone: has("alone"),
    otherModel: model === undefined ? null : basename(model, ".gguf"),
    modelFile: resolve(model ?? `.${MODEL_PATH}`),
    modelPath: model === undefined ? MODEL_PATH : servedPath(model),
    activations: has("float") ? "float" : "int8",
  };
}

/** Vite serves the repository at `/`, and other files of this machine at `/@fs/`. */
function servedPath(file: string): string {
  const path = relative(process.cwd(), resolve(file));
  return path.startsWith("..") ? `/@fs${resolve(file)}` : `/${path}`;
}
