/**
 * What a page in a real browser learns about a URL on another origin: a CORS refusal
 * and an absent server, with and without cross-origin isolation.
 */
import { type Browser, chromium, type Page } from "playwright";
import { createServer, type ViteDevServer } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ModelFailure } from "../../src/shared/model-failure.ts";
import { CHROMIUM_PATH } from "../../tools/browsers/browsers.ts";
import { startRangeServer } from "../../tools/gguf/range-server.ts";

const file = Uint8Array.from({ length: 1000 }, (_, i) => i & 0xff);
let browser: Browser;

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM_PATH, args: ["--no-sandbox"] });
}, 60_000);
afterAll(() => browser.close());

type Outcome = { readonly bytes?: readonly number[]; readonly failure?: ModelFailure };

/** A page that opens and reads a URL through the project's own modules. */
const PAGE = `<!doctype html><title>blank</title><script type="module">
  import { openUrl } from "/src/model/url-source.ts";
  window.readUrl = async (url) => {
    try {
      const source = await openUrl(url, { retryDelayMs: 1 });
      return { bytes: [...(await source.read(10, 5))] };
    } catch ({ failure }) {
      return { failure };
    }
  };
</script>`;

function readInPage(page: Page, url: string): Promise<Outcome> {
  return page.evaluate(`readUrl(${JSON.stringify(url)})`);
}

describe.each([
  ["a plain page", {}],
  [
    "a cross-origin isolated page",
    { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" },
  ],
])("%s", (kind, headers) => {
  let site: ViteDevServer;
  let page: Page;

  beforeAll(async () => {
    site = await createServer({
      configFile: false,
      logLevel: "error",
      appType: "custom",
      server: { port: 0, host: "127.0.0.1", headers, ws: false, watch: null },
      plugins: [
        {
          name: "blank-page",
          configureServer: ({ middlewares }) => {
            middlewares.use("/blank", (_request, response) => {
              for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
              response.setHeader("Content-Type", "text/html");
              response.end(PAGE);
            });
          },
        },
      ],
    });
    await site.listen();
    page = await browser.newPage();
    await page.goto(new URL("/blank", site.resolvedUrls?.local[0]).href);
    await page.waitForFunction("'readUrl' in window");
  }, 60_000);
  afterAll(async () => {
    await page.close();
    await site.close();
  });

  test("reads a server that allows it", async () => {
    await using server = await startRangeServer(file);
    expect(await readInPage(page, server.url)).toEqual({ bytes: [10, 11, 12, 13, 14] });
  });

  test("reads a server that hides Content-Range", async () => {
    await using server = await startRangeServer(file, { cors: "hide-range" });
    expect(await readInPage(page, server.url)).toEqual({ bytes: [10, 11, 12, 13, 14] });
  });

  test("names CORS when the server does not allow it", async () => {
    await using server = await startRangeServer(file, { cors: "none" });
    const { failure } = await readInPage(page, server.url);
    // Isolation hides the answer that would prove it.
    expect(failure).toMatchObject(
      kind === "a plain page"
        ? { reason: "cors_refused" }
        : { reason: "url_unreachable", mayBeCors: true },
    );
  });

  test("says that an absent server cannot be reached", async () => {
    const server = await startRangeServer(file);
    await server[Symbol.asyncDispose]();
    const { failure } = await readInPage(page, server.url);
    const mayBeCors = kind !== "a plain page";
    expect(failure).toMatchObject({ reason: "url_unreachable", isOwnServer: false, mayBeCors });
  });
});
