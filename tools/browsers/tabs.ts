/**
 * Real tabs for a room: Chromium, each in a separate process, and Firefox. Each represents a
 * machine. The end-to-end tests and the demo use them.
 */
import { chromium, type Page as ChromiumPage } from "playwright";
import type { Page as FirefoxPage } from "puppeteer-core";
import { CHROMIUM_PATH, CHROMIUM_WEBGPU_FLAGS, launchFirefox } from "./browsers.ts";

export type Tab = {
  readonly browser: "chromium" | "firefox";
  /** The driver's own page, for what only one of the drivers can do. */
  readonly page: ChromiumPage | FirefoxPage;
  /** Runs an expression in the page and returns its JSON value. */
  evaluate<T>(expression: string): Promise<T>;
  /** Ends the tab's browser; the room gets no notice. */
  close(): Promise<void>;
};

export type TabOptions = {
  readonly url: string;
  /** Gets uncaught errors and console errors, one line each. */
  readonly onError: (line: string) => void;
};

export async function openChromiumTab({ url, onError }: TabOptions): Promise<Tab> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM_PATH,
    args: CHROMIUM_WEBGPU_FLAGS,
  });
  const page = await browser.newPage({ ignoreHTTPSErrors: true });
  page.on("pageerror", (error) => onError(`chromium: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") onError(`chromium: ${message.text()}`);
  });
  await page.goto(url);
  return {
    browser: "chromium",
    page,
    evaluate: (expression) => page.evaluate(expression),
    close: () => browser.close(),
  };
}

export async function openFirefoxTab({ url, onError }: TabOptions): Promise<Tab> {
  const { browser, close } = await launchFirefox();
  const page = await browser.newPage();
  page.on("pageerror", (error) => onError(`firefox: ${String(error)}`));
  page.on("console", (message) => {
    if (message.type() === "error") onError(`firefox: ${message.text()}`);
  });
  await page.goto(url);
  return {
    browser: "firefox",
    page,
    evaluate: (expression) => page.evaluate(expression) as Promise<never>,
    close,
  };
}
