/** `npm run fuzz`: scripts/fuzz/main.ts, loaded by Vite, which resolves packages as the page's build does. */
import { createServer } from "vite";

const vite = await createServer({
  configFile: false,
  appType: "custom",
  logLevel: "error",
  optimizeDeps: { noDiscovery: true },
  // Its CommonJS build has no named exports.
  ssr: { noExternal: ["peerjs"] },
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
});
try {
  await vite.ssrLoadModule("/scripts/fuzz/main.ts");
} finally {
  await vite.close();
}
