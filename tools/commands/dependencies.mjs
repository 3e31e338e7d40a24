/** Runs `npm ci` when nothing is installed or the lock file is newer than the installation. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { ROOT, run, say, ScriptError } from "./run.mjs";

/** The oldest Node version that runs the dependencies. */
const NODE_MAJOR = 20;
const NODE_MINOR = 19;

export async function ensureDependencies() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < NODE_MAJOR || (major === NODE_MAJOR && minor < NODE_MINOR)) {
    throw new ScriptError(
      `Tabmesh needs Node ${NODE_MAJOR}.${NODE_MINOR} or newer, and this is ${process.version}: install it from https://nodejs.org`,
    );
  }
  // npm writes this file at the end of an install.
  const installed = await modifiedMs(join(ROOT, "node_modules", ".package-lock.json"));
  const wanted = await modifiedMs(join(ROOT, "package-lock.json"));
  if (installed >= wanted) return;
  say("Installing dependencies (npm ci) …");
  const status = await run(process.platform === "win32" ? "npm.cmd" : "npm", [
    "ci",
    "--no-audit",
    "--no-fund",
  ]);
  if (status !== 0) {
    throw new ScriptError("npm ci failed, see above: check the network and run the command again");
  }
}

async function modifiedMs(/** @type {string} */ path) {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") return 0;
    throw error;
  }
}
