/** `npm run simulate`: bundles `scripts/simulate.ts`, because Node cannot import PeerJS by name, and runs it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "rolldown";

const folder = mkdtempSync(join(tmpdir(), "tabmesh-simulate-"));
try {
  const file = join(folder, "simulate.mjs");
  await build({
    input: "scripts/simulate.ts",
    platform: "node",
    output: { file, sourcemap: "inline", codeSplitting: false },
    logLevel: "silent",
  });
  await import(pathToFileURL(file).href);
} finally {
  rmSync(folder, { recursive: true });
}
