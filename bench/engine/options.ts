/** The words after `npm run bench -- engine`. */
import type { BenchBrowserName } from "../../tools/browsers/bench-browser.ts";

export type BenchOptions = {
  readonly browsers: readonly BenchBrowserName[];
  readonly json: boolean;
  /** Fewer tokens, one round, contexts up to 512: minutes instead of half an hour. */
  readonly quick: boolean;
  /** Only the engine, kernel by kernel, against the adapter's roofline. */
  readonly profile: boolean;
  /** No peers: for work on the engine. */
  readonly alone: boolean;
  readonly activations: "float" | "int8";
};

const BROWSERS: readonly BenchBrowserName[] = ["chromium", "firefox"];

export function parseOptions(words: readonly string[]): BenchOptions {
  const has = (word: string) => words.includes(`--${word}`);
  const named = BROWSERS.filter(has);
  return {
    browsers: named.length > 0 ? named : BROWSERS,
    json: has("json"),
    quick: has("quick"),
    profile: has("profile"),
    alone: has("alone"),
    activations: has("float") ? "float" : "int8",
  };
}
