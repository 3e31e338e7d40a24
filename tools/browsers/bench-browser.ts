/**
 * Runs a function of a bench page in a real browser and returns its result.
 *
 * Vite serves the page from the sources, cross-origin isolated, so that timers have a fine
 * resolution and WebAssembly can use threads. Each page has a separate browser, so that workers and
 * memory of one runner do not disturb the next measurement.
 */
import { chromium } from "playwright";
import { createServer, type ViteDevServer } from "vite";
import { CHROMIUM_PATH, CHROMIUM_WEBGPU_FLAGS, launchFirefox } from "./browsers.ts";
import { ISOLATION_HEADERS } from "../../vite.config.ts";

export type BenchBrowserName = "chromium" | "firefox";

export type BenchServer = { readonly origin: string; close(): Promise<void> };

/** Serves the repository on a free port of this machine. */
export async function startBenchServer(): Promise<BenchServer> {
  const server: ViteDevServer = await createServer({
    configFile: false,
    // A separate cache: another server of the same sources must not replace it.
    cacheDir: "node_modules/.vite-bench",
    root: process.cwd(),
    logLevel: "error",
    server: {
      ...{ port: 0, host: "127.0.0.1", headers: ISOLATION_HEADERS, hmr: false, watch: null },
      // A model may be anywhere on this machine.
      fs: { strict: false },
    },
    optimizeDeps: {
      entries: ["bench/**/*.html"],
      include: [
        ...["comlink", "zod", "idb-keyval", "peerjs", "hono", "hono/tiny"],
        ...["@huggingface/gguf", "@huggingface/jinja", "@huggingface/tokenizers"],
        ...["@noble/curves/ed25519.js", "@noble/hashes/hkdf.js", "@noble/hashes/hmac.js"],
        ...["@noble/hashes/sha2.js", "@noble/hashes/utils.js"],
      ],
      exclude: ["onnxruntime-web", "@wllama/wllama"],
    },
    worker: { format: "es" },
  });
  await server.listen();
  const address = server.httpServer?.address();
  if (address === null || address === undefined || typeof address === "string") {
    throw new Error("the bench server has no port");
  }
  return { origin: `http://127.0.0.1:${address.port}`, close: () => server.close() };
}

/** What a bench page puts on `globalThis`: one function, from options to plain data. */
export type BenchPageFunction = (options: unknown) => Promise<unknown>;

/** A bench page that stays open, so that measurements of several can be interleaved. */
export type BenchPage = {
  call(options: unknown): Promise<unknown>;
  close(): Promise<void>;
};

/**
 * Opens `path` in a fresh browser; `call` runs its `tabmeshBench(options)`. `onLog`
 * gets the page's console lines, which carry progress.
 */
export async function openBenchPage(
  browser: BenchBrowserName,
  server: BenchServer,
  path: string,
  onLog: (line: string) => void,
): Promise<BenchPage> {
  const url = `${server.origin}${path}`;
  return browser === "chromium" ? openInChromium(url, onLog) : openInFirefox(url, onLog);
}

/** Opens a page for one call. */
export async function runBenchPage(
  browser: BenchBrowserName,
  server: BenchServer,
  path: string,
  options: unknown,
  onLog: (line: string) => void,
): Promise<unknown> {
  const page = await openBenchPage(browser, server, path, onLog);
  try {
    return await page.call(options);
  } finally {
    await page.close();
  }
}

/** Runs in the page. */
export async function callBench(options: unknown): Promise<unknown> {
  const scope = globalThis as unknown as { tabmeshBench?: BenchPageFunction };
  while (scope.tabmeshBench === undefined) await new Promise((r) => setTimeout(r, 20));
  return scope.tabmeshBench(options);
}

async function openInChromium(url: string, onLog: (line: string) => void): Promise<BenchPage> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM_PATH,
    args: CHROMIUM_WEBGPU_FLAGS,
  });
  const page = await browser.newPage();
  const failed = new Promise<never>((_, reject) => {
    page.on("pageerror", (error) => reject(error));
    page.on("crash", () => reject(new Error(`${url} crashed`)));
  });
  failed.catch(() => undefined); // A call in progress rejects with it; without one, nobody waits.
  page.on("console", (message) => onLog(message.text()));
  await page.goto(url);
  return {
    call: (options) => Promise.race([page.evaluate(callBench, options), failed]),
    close: () => browser.close(),
  };
}

async function openInFirefox(url: string, onLog: (line: string) => void): Promise<BenchPage> {
  const { browser, close } = await launchFirefox();
  const page = await browser.newPage();
  page.on("console", (message) => onLog(message.text()));
  await page.goto(url);
  return { call: (options) => page.evaluate(callBench, options), close };
}
