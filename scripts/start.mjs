/**
 * `npm start [-- FLAGS]`, with the flags of `server/arguments.mjs`: from a fresh clone to a served page.
 * Installs, fetches the default model, builds, then runs `server/main.ts`. Plain
 * JavaScript without dependencies, because nothing is installed when it starts.
 */
import { createServer } from "node:net";
import { busyPortMessage, parseArguments, usage } from "../server/arguments.mjs";
import { ensureBuilt } from "../tools/commands/build.mjs";
import { ensureDefaultModel } from "../tools/commands/default-model.mjs";
import { ensureDependencies } from "../tools/commands/dependencies.mjs";
import { runScript, runTypeScript, say, ScriptError } from "../tools/commands/run.mjs";

await runScript(async () => {
  const words = process.argv.slice(2);
  const options = parseArguments(words, process.env);
  if (options.kind === "help") return console.log(usage());
  if (options.kind === "bad") throw new ScriptError(options.message);
  if (await isBusy(options.port)) throw new ScriptError(busyPortMessage(options.port));
  await ensureDependencies();
  await getDefaultModel();
  await ensureBuilt();
  process.exitCode = await runTypeScript("server/main.ts", words);
});

/** The page can load other models, so the server runs without this one. */
async function getDefaultModel() {
  try {
    await ensureDefaultModel();
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    say(`${error.message}. Going on without it.`);
  }
}

/** Asked before the build, which takes longer than this answer. */
function isBusy(/** @type {number} */ port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (/** @type {NodeJS.ErrnoException} */ error) => {
      if (error.code === "EADDRINUSE") resolve(true);
      else if (error.code === "EACCES") {
        reject(
          new ScriptError(`Port ${port} needs more rights: choose one above 1023 with --port`),
        );
      } else reject(error);
    });
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(false)));
  });
}
