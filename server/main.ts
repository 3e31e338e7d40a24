/** The server of a clone, as `npm start` runs it: serves the page in `dist`. */
import { join } from "node:path";
import { NPM_START } from "./arguments.mjs";
import { runServer } from "./run.ts";

const ROOT = join(import.meta.dirname, "..");

await runServer({
  command: NPM_START,
  page: join(ROOT, "dist"),
  models: join(ROOT, "models"),
  certificate: join(ROOT, ".certificate"),
});
