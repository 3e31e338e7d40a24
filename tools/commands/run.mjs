/** Starts programs for the scripts. */
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";

/** The repository's root, where every program is started. */
export const ROOT = join(import.meta.dirname, "..", "..");

/** An error whose message is for the person at the terminal; no stack is shown. */
export class ScriptError extends Error {}

/** Runs `main`; a `ScriptError` becomes one line and exit status 1. */
export async function runScript(/** @type {() => Promise<void>} */ main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

/** Prints progress to stderr; stdout is for results. */
export function say(/** @type {string} */ message) {
  console.error(message);
}

/**
 * @param {string} program
 * @param {readonly string[]} words
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, quiet?: boolean }} [options] `quiet` drops its output
 * @returns {Promise<number>} the exit status; 127 when there is no such program
 */
export function run(program, words, { cwd = ROOT, env = process.env, quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { cwd, env, stdio: quiet ? "ignore" : "inherit" });
    const forward = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
    process.on("SIGINT", forward);
    process.on("SIGTERM", forward);
    const settle = () => {
      process.off("SIGINT", forward);
      process.off("SIGTERM", forward);
    };
    child.once("error", (/** @type {NodeJS.ErrnoException} */ error) => {
      settle();
      if (error.code === "ENOENT") resolve(127);
      else reject(error);
    });
    child.once("close", (status, signal) => {
      settle();
      resolve(status ?? (signal === "SIGINT" ? 130 : 1));
    });
  });
}

/**
 * Runs Node on a module of a dependency, such as `vite/bin/vite.js`.
 *
 * @param {string} module
 * @param {readonly string[]} words
 * @param {{ env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ status: number, output: string }>} `output` is empty: it was shown
 */
export async function runModule(module, words, options) {
  const path = join(ROOT, "node_modules", module);
  return { status: await run(process.execPath, [path, ...words], options), output: "" };
}

/**
 * The same, but returns what the program prints instead of showing it.
 *
 * @param {string} module
 * @param {readonly string[]} words
 * @param {{ env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ status: number, output: string }>}
 */
export function runModuleCaptured(module, words, { env = process.env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, "node_modules", module), ...words], {
      cwd: ROOT,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    }
    child.once("error", reject);
    child.once("close", (status) => resolve({ status: status ?? 1, output }));
  });
}

/** Runs a TypeScript file with tsx. */
export function runTypeScript(/** @type {string} */ file, /** @type {readonly string[]} */ words) {
  return run(process.execPath, ["--import", "tsx", file, ...words]);
}

/** Whether a program of this name can be started. */
export function hasProgram(/** @type {string} */ program) {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined;
}
