#!/usr/bin/env node
/**
 * The bin of the package `@tabmesh/server`: serves the page in the package, and
 * the models in the current directory's `models`. `scripts/build-packages.mjs` bundles it.
 */
import { join, resolve } from "node:path";
import { runServer } from "./run.ts";

await runServer({
  command: "npx @tabmesh/server",
  page: join(import.meta.dirname, "page"),
  models: resolve("models"),
  certificate: resolve(".certificate"),
});
