/** `npm run demo`: complete on a fresh clone, like the other commands; then `scripts/demo/main.ts`. */
import { ensureBrowsers } from "./lib/browsers.mjs";
import { ensureBuilt } from "./lib/build.mjs";
import { ensureDefaultModel } from "./lib/default-model.mjs";
import { ensureDependencies } from "./lib/dependencies.mjs";
import { runScript, runTypeScript } from "./lib/run.mjs";

await runScript(async () => {
  await ensureDependencies();
  await ensureBrowsers();
  await ensureDefaultModel();
  await ensureBuilt();
  process.exitCode = await runTypeScript("scripts/demo/main.ts", process.argv.slice(2));
});
