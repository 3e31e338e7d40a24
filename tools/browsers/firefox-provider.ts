/**
 * Vitest's browser mode on Debian's Firefox, over WebDriver BiDi. The providers that Vitest ships
 * drive Firefox only as Playwright's patched build or through geckodriver. This one only opens
 * pages, so puppeteer-core is enough.
 */
import { defineBrowserProvider } from "@vitest/browser";
import type { Page } from "puppeteer-core";
import type { BrowserProvider, TestProject } from "vitest/node";
import { launchFirefox } from "./browsers.ts";

class FirefoxProvider implements BrowserProvider {
  readonly name = "puppeteer";
  readonly supportsParallelism = false;
  #firefox: ReturnType<typeof launchFirefox> | null = null;
  readonly #pages = new Map<string, Page>();

  getCommandsContext(sessionId: string): Record<string, unknown> {
    return { page: this.#pages.get(sessionId) };
  }

  async openPage(sessionId: string, url: string): Promise<void> {
    this.#firefox ??= launchFirefox();
    const { browser } = await this.#firefox;
    await this.#pages.get(sessionId)?.close();
    const page = await browser.newPage();
    this.#pages.set(sessionId, page);
    await page.goto(url);
  }

  async close(): Promise<void> {
    this.#pages.clear();
    const firefox = await this.#firefox;
    this.#firefox = null;
    await firefox?.close();
  }
}

export function firefox() {
  return defineBrowserProvider({
    name: "puppeteer",
    supportedBrowser: ["firefox"],
    options: {},
    providerFactory: (_project: TestProject) => new FirefoxProvider(),
  });
}
