/** `npm run demo`: complete on a fresh clone, like the other commands; then `scripts/demo/main.ts`. */
import { ensureBrowsers } from "../tools/commands/browsers.mjs";
import { ensureBuilt } from "../tools/commands/build.mjs";
import { ensureDefaultModel } from "../tools/commands/default-model.mjs";
import { ensureDependencies } from "../tools/commands/dependencies.mjs";
import { runScript, runTypeScript } from "../tools/commands/run.mjs";

await runScript(async () => {
  await ensureDependencies();
  await ensureBrowsers();
  await ensureDefaultModel();
  await ensureBuilt();
  process.exitCode = await runTypeScript("scripts/demo/main.ts", process.argv.slice(2));
});
