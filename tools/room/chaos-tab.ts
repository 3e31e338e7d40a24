/**
 * A tab in a browser process of its own, and what a chaos test does to it.
 */
import { chromium, type Page as ChromiumPage } from "playwright";
import type { Page as FirefoxPage } from "puppeteer-core";
import type { PageCommand } from "../../src/ui/index.ts";
import type { PageView } from "../../src/ui/index.ts";
import { CHROMIUM_PATH, CHROMIUM_WEBGPU_FLAGS, launchFirefox } from "../browsers/browsers.ts";
import { requestFault, type WorkerFault } from "./chaos-page.ts";
import { type BrowserName, JOIN_TIMEOUT_MS } from "./e2e-room.ts";

/** Runs before the page's scripts: a fixed seed, and the connections, to close one of them. */
const INIT = `{
  const random = crypto.getRandomValues.bind(crypto);
  crypto.getRandomValues = (values) =>
    values instanceof Uint32Array && values.length === 1 ? values.fill(7) : random(values);
  const Connection = RTCPeerConnection;
  globalThis.connections = [];
  globalThis.RTCPeerConnection = class extends Connection {
    constructor(...values) {
      super(...values);
      globalThis.connections.push(this);
    }
  };
}`;

export type ChaosTab = {
  readonly browser: BrowserName;
  /** The member's id when it joined. */
  readonly id: string;
  readonly page: ChromiumPage | FirefoxPage;
  evaluate<T>(expression: string): Promise<T>;
  /** In the current GPU worker. */
  failInWorker(fault: WorkerFault): Promise<void>;
  /** To the browser with all its processes. */
  signal(name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  close(): Promise<void>;
};

/** Opens `url`, and waits until the tab is a member of the room. */
export function openChaosTab(browser: BrowserName, url: string): Promise<ChaosTab> {
  return browser === "chromium" ? openChromium(url) : openFirefox(url);
}

async function openChromium(url: string): Promise<ChaosTab> {
  const server = await chromium.launchServer({
    executablePath: CHROMIUM_PATH,
    args: CHROMIUM_WEBGPU_FLAGS,
  });
  const browser = await chromium.connect(server.wsEndpoint());
  const page = await browser.newPage();
  await page.addInitScript(INIT);
  await page.goto(url);
  const evaluate = <T>(expression: string) => page.evaluate<T>(expression);
  return {
    browser: "chromium",
    id: await reached({ evaluate }, "inside"),
    page,
    evaluate,
    failInWorker: (fault) => evaluate(requestFault(fault)),
    signal: (name) => process.kill(-server.process().pid!, name),
    close: () => server.close(),
  };
}

async function openFirefox(url: string): Promise<ChaosTab> {
  const { browser, close } = await launchFirefox();
  const page = await browser.newPage();
  await page.evaluateOnNewDocument(INIT);
  await page.goto(url);
  const evaluate = <T>(expression: string) => page.evaluate(expression) as Promise<T>;
  return {
    browser: "firefox",
    id: await reached({ evaluate }, "inside"),
    page,
    evaluate,
    failInWorker: (fault) => evaluate(requestFault(fault)),
    signal: (name) => process.kill(-browser.process()!.pid!, name),
    close,
  };
}

/** Waits until the page is in this phase; the member's id. */
export async function reached(
  { evaluate }: Pick<ChaosTab, "evaluate">,
  phase: PageView["phase"],
): Promise<string> {
  const endMs = Date.now() + JOIN_TIMEOUT_MS;
  while (Date.now() < endMs) {
    const view = await evaluate<Pick<PageView, "phase" | "self"> | null>(
      `(() => { const { phase, self } = document.querySelector("tabmesh-app")?.view ?? {}; return { phase, self }; })()`,
    );
    if (view?.phase === phase) return view.self ?? "";
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the page did not get ${phase}`);
}

/** In the page: a command, as a person gives it. */
export function appSend(command: PageCommand): string {
  return `document.querySelector("tabmesh-app").send(${JSON.stringify(command)})`;
}

/** In the page: every connection ends, without notice to the other side. */
export const DROP_LINKS = `connections.forEach((connection) => connection.close())`;
