/**
 * `npm run bench [-- SUITE…] [--json]`: runs `bench/SUITE/main.ts`, all suites when
 * none is named. Each prints a table, or with `--json` one JSON object a line.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ensureBrowsers } from "../tools/commands/browsers.mjs";
import { ensureBuilt } from "../tools/commands/build.mjs";
import { ensureDefaultModel } from "../tools/commands/default-model.mjs";
import { ensureDependencies } from "../tools/commands/dependencies.mjs";
import { ROOT, runScript, runTypeScript, say, ScriptError } from "../tools/commands/run.mjs";

/**
 * `--json` and `--quick` are every suite's, `--traffic` the kernels', the browsers theirs and the
 * engine's; the others are the engine's (bench/engine/options.ts).
 */
const OPTIONS = [
  "--json",
  "--quick",
  "--profile",
  "--alone",
  "--chromium",
  "--firefox",
  "--float",
  "--int8",
  "--traffic",
];

/** Options with a value, all of the placement's (bench/placement/main.ts). */
const PLACEMENT_OPTIONS = ["--seeds", "--clock", "--first"];

/** The words of the command line: suites, options, and the placement's options with their values. */
function sorted(/** @type {string[]} */ words) {
  /** @type {string[]} */ const named = [];
  /** @type {string[]} */ const options = [];
  /** @type {string[]} */ const placement = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (!word.startsWith("--")) named.push(word);
    else if (PLACEMENT_OPTIONS.includes(word)) placement.push(`${word}=${words[++i] ?? ""}`);
    else if (PLACEMENT_OPTIONS.includes(word.split("=")[0] ?? "")) placement.push(word);
    else options.push(word);
  }
  return { named, options, placement };
}

await runScript(async () => {
  const { named, options, placement } = sorted(process.argv.slice(2));
  const suites = readdirSync(join(ROOT, "bench"))
    .filter((name) => existsSync(join(ROOT, "bench", name, "main.ts")))
    .sort();
  const unknown = [
    ...named.filter((name) => !suites.includes(name)),
    ...options.filter((option) => !OPTIONS.includes(option)),
  ];
  if (unknown.length > 0) {
    throw new ScriptError(
      `There is no ${unknown.join(", ")}; usage: npm run bench -- [${suites.join("|")}] [${OPTIONS.join("] [")}] [${PLACEMENT_OPTIONS.join(" …] [")} …]`,
    );
  }
  const chosen = named.length > 0 ? named : suites;
  await ensureDependencies();
  // Placement is arithmetic alone.
  if (chosen.some((suite) => suite !== "placement")) {
    await ensureBrowsers();
    await ensureDefaultModel();
    await ensureBuilt();
  }
  for (const suite of chosen) {
    say(`\n— bench: ${suite}`);
    const own = suite === "placement" ? [...options, ...placement] : options;
    const status = await runTypeScript(`bench/${suite}/main.ts`, own);
    if (status !== 0) process.exitCode = status;
  }
});
