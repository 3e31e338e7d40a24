/**
 * `npm test`: what must pass before a merge. `npm run test:full`: every test but `--chaos`;
 * `npm run test:full -- --remaining`: those that `npm test` leaves out;
 * `npm run test:full -- --chaos`: only every fault in real browsers, which no other set has.
 *
 * Complete on a fresh clone: installs what is missing, then runs every check to the end, so that
 * one failure does not hide another. The last line is the sum: "N passed, N failed".
 */
import { parseArgs } from "node:util";
import { ensureBrowsers } from "../tools/commands/browsers.mjs";
import { ensureBuilt } from "../tools/commands/build.mjs";
import { format, inSequence, lint, typedLint, types, vitest } from "../tools/commands/checks.mjs";
import { ensureDefaultModel } from "../tools/commands/default-model.mjs";
import { ensureDependencies } from "../tools/commands/dependencies.mjs";
import { summarize } from "../tools/commands/report.mjs";
import { runScript, say, ScriptError } from "../tools/commands/run.mjs";

/** On two cores, without the installation. */
const BOUND_SECONDS = { merge: 600, remaining: 1200, full: 1800, chaos: 1200 };

const COMMANDS = {
  merge: "npm test",
  remaining: "npm run test:full -- --remaining",
  full: "npm run test:full",
  chaos: "npm run test:full -- --chaos",
};

await runScript(async () => {
  const { values } = parseArgs({
    options: {
      full: { type: "boolean", default: false },
      remaining: { type: "boolean", default: false },
      chaos: { type: "boolean", default: false },
    },
  });
  const part = values.chaos ? "chaos" : "remaining";
  const set = values.chaos || values.remaining ? part : values.full ? "full" : "merge";
  await ensureDependencies();
  await ensureBrowsers();
  await ensureDefaultModel();
  const started = performance.now();
  const results = await beforeEndToEnd(set);
  const built = await build();
  results.push(built);
  if (built.failed === 0) results.push(await vitest("e2e", { set }));
  summarize(results, { command: COMMANDS[set], started, boundSeconds: BOUND_SECONDS[set] });
});

async function beforeEndToEnd(/** @type {string} */ set) {
  if (set === "chaos") return [];
  const results = set === "remaining" ? [await longFuzzing()] : await withoutBrowsers(set);
  // One after the other: two browsers that compute at once on two cores would time out.
  results.push(await vitest("chromium", { set }), await vitest("firefox", { set }));
  return results;
}

/** Nothing is taken from a cache. */
async function withoutBrowsers(/** @type {string} */ set) {
  const results = await Promise.all([
    inSequence(
      types,
      () => lint(),
      () => typedLint(),
      format,
    ),
    vitest("node", { quiet: true, set }),
  ]);
  return results.flat();
}

/** The same tests as before a merge, with more inputs. */
function longFuzzing() {
  return vitest("node", {
    quiet: true,
    set: "remaining",
    files: ["test/fuzz/decoders", "test/server/fuzz.test.ts"],
  });
}

/** The end-to-end tests open the built page. */
async function build() {
  try {
    await ensureBuilt();
    return { name: "build", passed: 1, failed: 0, cases: [] };
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    say(error.message);
    return { name: "build", passed: 0, failed: 1, cases: [] };
  }
}
