/**
 * `npm run bench [-- SUITE…] [--json]`: runs `bench/SUITE/main.ts`, all suites when
 * none is named. Each prints a table, or with `--json` one JSON object a line.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ensureBrowsers } from "./lib/browsers.mjs";
import { ensureBuilt } from "./lib/build.mjs";
import { ensureDefaultModel } from "./lib/default-model.mjs";
import { ensureDependencies } from "./lib/dependencies.mjs";
import { ROOT, runScript, runTypeScript, say, ScriptError } from "./lib/run.mjs";

/** `--json` is every suite's; the others are the engine's (bench/engine/options.ts). */
const OPTIONS = [
  "--json",
  "--quick",
  "--profile",
  "--alone",
  "--chromium",
  "--firefox",
  "--float",
  "--int8",
];

await runScript(async () => {
  const words = process.argv.slice(2);
  const options = words.filter((word) => word.startsWith("--"));
  const named = words.filter((word) => !word.startsWith("--"));
  const suites = readdirSync(join(ROOT, "bench"))
    .filter((name) => existsSync(join(ROOT, "bench", name, "main.ts")))
    .sort();
  const unknown = [
    ...named.filter((name) => !suites.includes(name)),
    ...options.filter((option) => !OPTIONS.includes(option)),
  ];
  if (unknown.length > 0) {
    throw new ScriptError(
      `There is no ${unknown.join(", ")}; usage: npm run bench -- [${suites.join("|")}] [${OPTIONS.join("] [")}]`,
    );
  }
  await ensureDependencies();
  await ensureBrowsers();
  await ensureDefaultModel();
  await ensureBuilt();
  for (const suite of named.length > 0 ? named : suites) {
    say(`\n— bench: ${suite}`);
    const status = await runTypeScript(`bench/${suite}/main.ts`, options);
    if (status !== 0) process.exitCode = status;
  }
});
