/** Builds the package `tabmesh`: ES modules, workers as files beside them, and type declarations. */
import { defineConfig, type Plugin } from "vite";
import manifest from "./package.json" with { type: "json" };

const DEPENDENCIES = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });

export default defineConfig({
  base: "./",
  publicDir: false,
  // One file each: a worker that imports its own chunks cannot be bundled again in every format.
  worker: { format: "es", rolldownOptions: { output: { codeSplitting: false } } },
  plugins: [literalWorkerUrls()],
  build: {
    target: "es2023",
    outDir: "dist-library",
    minify: false,
    lib: { entry: { index: "src/library.ts" }, formats: ["es"] },
    rolldownOptions: {
      external: (id) => DEPENDENCIES.some((name) => id === name || id.startsWith(`${name}/`)),
    },
  },
});

/**
 * Vite writes the URL of a worker's file as two nested `new URL`, which no bundler
 * recognizes. With one literal URL, the build of a project that uses the package finds the file.
 */
function literalWorkerUrls(): Plugin {
  const nested =
    /new URL\(\s*(?:\/\*.*?\*\/\s*)?new URL\((".*?"), import\.meta\.url\)\.href,\s*"" \+ import\.meta\.url\s*\)/g;
  return {
    name: "literal-worker-urls",
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type !== "chunk") continue;
        file.code = file.code.replace(nested, "new URL($1, import.meta.url)");
      }
    },
  };
}
