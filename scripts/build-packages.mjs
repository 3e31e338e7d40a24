/**
 * `node scripts/build-packages.mjs library|server`: what `npm pack` puts into the
 * packages `tabmesh` and `@tabmesh/server`. Both run it as their `prepack` script.
 */
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { dts } from "rolldown-plugin-dts";
import { ensureBuilt } from "../tools/commands/build.mjs";
import { ROOT, runModule, runScript, ScriptError } from "../tools/commands/run.mjs";

/** @type {Readonly<Record<string, () => Promise<void>>>} */
const PACKAGES = { library: buildLibrary, server: buildServer };

/** A bare specifier: a dependency, which the package's user installs. */
const DEPENDENCY = /^(?![./\0]|[A-Za-z]:)/;

await runScript(async () => {
  const [name = ""] = process.argv.slice(2);
  const build = PACKAGES[name];
  if (build === undefined) {
    throw new ScriptError(
      `usage: node scripts/build-packages.mjs ${Object.keys(PACKAGES).join("|")}`,
    );
  }
  await build();
});

/** Vite builds the modules and the workers; Rolldown bundles the declarations of the entry. */
async function buildLibrary() {
  const vite = ["build", "--config", "vite.library.config.ts", "--logLevel", "warn"];
  if ((await runModule("vite/bin/vite.js", vite)).status !== 0) {
    throw new ScriptError("The library could not be built, see above");
  }
  await bundle({ index: join(ROOT, "src/library.ts") }, "dist-library", [
    dts({ emitDtsOnly: true }),
  ]);
}

/** Node does not run TypeScript from node_modules, so the server becomes JavaScript. */
async function buildServer() {
  await rm(join(ROOT, "server", "dist"), { recursive: true, force: true });
  await bundle({ bin: join(ROOT, "server/bin.ts") }, "server/dist", []);
  await ensureBuilt();
  await cp(join(ROOT, "dist"), join(ROOT, "server", "dist", "page"), { recursive: true });
}

async function bundle(
  /** @type {Record<string, string>} */ input,
  /** @type {string} */ directory,
  /** @type {import("rolldown").RolldownPluginOption[]} */ plugins,
) {
  const build = await rolldown({
    cwd: ROOT,
    input,
    plugins,
    external: DEPENDENCY,
    platform: "node",
    checks: { pluginTimings: false },
  });
  await build.write({ dir: join(ROOT, directory) });
  await build.close();
}
