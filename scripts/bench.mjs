/**
 * `npm run bench [-- SUITE…] [--json]`: runs `bench/SUITE/main.ts`, or all suites when none is named.
 * Each prints a table, or with `--json` one JSON object per line.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureBrowsers } from "../tools/commands/browsers.mjs";
import { ensureBuilt } from "../tools/commands/build.mjs";
import { ensureDefaultModel } from "../tools/commands/default-model.mjs";
import { ensureDependencies } from "../tools/commands/dependencies.mjs";
import { ROOT, runScript, runTypeScript, say, ScriptError } from "../tools/commands/run.mjs";

/**
 * Options of all suites. `--json` and `--quick` are for every suite, the browsers for
 * kernels and engine; the others are for the engine (bench/engine/options.ts).
 */
const FLAGS = [
  "json",
  "quick",
  "profile",
  "alone",
  "chromium",
  "firefox",
  "float",
  "int8",
  "disguised",
];

/** Options with a value, by suite. */
const OWN_OPTIONS = {
  placement: ["seeds", "clock", "first"],
  engine: ["model"],
  load: ["model", "page"],
  room: ["model", "tabs", "tokens"],
  recovery: ["only"],
};
const NAMES_WITH_VALUE = [...new Set(Object.values(OWN_OPTIONS).flat())];

/** The suites that are named, and the options as each suite expects them. */
function parseCommandLine(/** @type {readonly string[]} */ suites) {
  const usage = `usage: npm run bench -- [${suites.join("|")}] [--${FLAGS.join("] [--")}] [--${NAMES_WITH_VALUE.join(" …] [--")} …]`;
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: Object.fromEntries([
        ...FLAGS.map((name) => [name, { type: /** @type {const} */ ("boolean") }]),
        ...NAMES_WITH_VALUE.map((name) => [name, { type: /** @type {const} */ ("string") }]),
      ]),
    });
    const unknown = positionals.filter((name) => !suites.includes(name));
    if (unknown.length > 0) throw new TypeError(`There is no suite ${unknown.join(", ")}`);
    const flags = FLAGS.filter((name) => values[name]).map((name) => `--${name}`);
    const given = (/** @type {readonly string[]} */ names) =>
      names.flatMap((name) => (values[name] === undefined ? [] : [`--${name}=${values[name]}`]));
    const own = new Map(Object.entries(OWN_OPTIONS).map(([suite, names]) => [suite, given(names)]));
    return { chosen: positionals.length > 0 ? positionals : suites, flags, own };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new ScriptError(`${error.message}\n${usage}`);
  }
}

await runScript(async () => {
  const suites = readdirSync(join(ROOT, "bench"))
    .filter((name) => existsSync(join(ROOT, "bench", name, "main.ts")))
    .sort();
  const { chosen, flags, own } = parseCommandLine(suites);
  await ensureDependencies();
  // Placement needs neither a browser nor a model.
  if (chosen.some((suite) => suite !== "placement")) {
    await ensureBrowsers();
    await ensureDefaultModel();
    await ensureBuilt();
  }
  for (const suite of chosen) {
    say(`\n— bench: ${suite}`);
    const options = [...flags, ...(own.get(suite) ?? [])];
    const status = await runTypeScript(`bench/${suite}/main.ts`, options);
    if (status !== 0) process.exitCode = status;
  }
});
