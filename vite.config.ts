import { defineConfig } from "vite";
import { DEFAULT_HEADERS, ISOLATION_HEADERS } from "./server/headers.ts";

export { ISOLATION_HEADERS };

/**
 * Zod compiles validators with `new Function`, which the page's Content-Security-Policy forbids;
 * merely trying is an error in the console. The setting must be there before any schema is.
 */
const output = { intro: "globalThis.__zod_globalConfig ??= { jitless: true };" };

export default defineConfig({
  worker: { format: "es", rolldownOptions: { output } },
  build: { target: "es2023", chunkSizeWarningLimit: 2000, rolldownOptions: { output } },
  server: { headers: ISOLATION_HEADERS },
  preview: { headers: DEFAULT_HEADERS },
});
