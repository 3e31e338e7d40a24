/**
 * `node scripts/build-packages.mjs library|server`: what `npm pack` puts into the
 * packages `tabmesh` and `@tabmesh/server`. Both run it as their `prepack` script.
 */
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { rolldown } from "rolldown";
import ts from "typescript";
import { ensureBuilt } from "../tools/commands/build.mjs";
import { ROOT, runModule, runScript, ScriptError } from "../tools/commands/run.mjs";

/** @type {Readonly<Record<string, () => Promise<void>>>} */
const PACKAGES = { library: buildLibrary, server: buildServer };

/** What `src/library.ts` adds to the public types. */
const JOIN_ROOM_DECLARATION = `/** Joins a room, or opens it if nobody is there. Rejects with a \`TabmeshError\`. */
export declare const joinRoom: JoinRoom;
`;

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

/** Vite builds the modules and the workers; the declarations are those of `api/public.ts`. */
async function buildLibrary() {
  const vite = ["build", "--config", "vite.library.config.ts", "--logLevel", "warn"];
  if ((await runModule("vite/bin/vite.js", vite)).status !== 0) {
    throw new ScriptError("The library could not be built, see above");
  }
  const source = await readFile(join(ROOT, "src/api/public.ts"), "utf8");
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(source, {
    compilerOptions: { target: ts.ScriptTarget.ES2023, strict: true },
    reportDiagnostics: true,
  });
  for (const { messageText } of diagnostics) throw new ScriptError(String(messageText));
  const declarations = `${outputText}
${JOIN_ROOM_DECLARATION}`;
  await writeFile(join(ROOT, "dist-library", "index.d.ts"), declarations);
}

/** Node does not run TypeScript from node_modules, so the server becomes JavaScript. */
async function buildServer() {
  await rm(join(ROOT, "server", "dist"), { recursive: true, force: true });
  await bundle(join(ROOT, "server/bin.ts"), join(ROOT, "server/dist"));
  await ensureBuilt();
  await cp(join(ROOT, "dist"), join(ROOT, "server", "dist", "page"), { recursive: true });
}

async function bundle(/** @type {string} */ input, /** @type {string} */ directory) {
  const build = await rolldown({ input, external: DEPENDENCY, platform: "node" });
  await build.write({ dir: directory });
  await build.close();
}
