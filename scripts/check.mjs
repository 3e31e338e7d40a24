/** `npm run check`: types, lint, format and node tests. */
import { staticChecks, summarise, vitest } from "./lib/checks.mjs";
import { ensureDependencies } from "./lib/dependencies.mjs";
import { runScript } from "./lib/run.mjs";

await runScript(async () => {
  await ensureDependencies();
  summarise([...(await staticChecks()), await vitest("node")]);
});
