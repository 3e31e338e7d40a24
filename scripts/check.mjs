/** `npm run check`: types, lint, format and node tests. */
import { staticChecks, summarise, vitest } from "../tools/commands/checks.mjs";
import { ensureDependencies } from "../tools/commands/dependencies.mjs";
import { runScript } from "../tools/commands/run.mjs";

await runScript(async () => {
  await ensureDependencies();
  summarise([...(await staticChecks()), await vitest("node")]);
});
