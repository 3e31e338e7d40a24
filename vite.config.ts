import { defineConfig } from "vite";
import { ISOLATION_HEADERS } from "./server/headers.ts";

export { ISOLATION_HEADERS };

export default defineConfig({
  worker: { format: "es" },
  build: { target: "es2023", chunkSizeWarningLimit: 2000 },
  server: { headers: ISOLATION_HEADERS },
  preview: { headers: ISOLATION_HEADERS },
});
