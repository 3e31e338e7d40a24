/**
 * `npm test`: everything, complete on a fresh clone. Installs what is missing,
 * then runs every check to the end, so that one failure does not hide another.
 * The last line is the sum: "N passed, N failed".
 */
import { ensureBrowsers } from "../tools/commands/browsers.mjs";
import { ensureBuilt } from "../tools/commands/build.mjs";
import { staticChecks, summarise, vitest } from "../tools/commands/checks.mjs";
import { ensureDefaultModel } from "../tools/commands/default-model.mjs";
import { ensureDependencies } from "../tools/commands/dependencies.mjs";
import { runScript, say, ScriptError } from "../tools/commands/run.mjs";

await runScript(async () => {
  await ensureDependencies();
  await ensureBrowsers();
  await ensureDefaultModel();
  const results = [...(await staticChecks()), await vitest("node")];
  // One after the other: two browsers that compute at once on two cores would time out.
  results.push(await vitest("chromium"), await vitest("firefox"));
  const built = await build();
  results.push(built);
  if (built.failed === 0) results.push(await vitest("e2e"));
  summarise(results);
});

/** The end-to-end tests open the built page. */
async function build() {
  try {
    await ensureBuilt();
    return { name: "build", passed: 1, failed: 0 };
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    say(error.message);
    return { name: "build", passed: 0, failed: 1 };
  }
}
