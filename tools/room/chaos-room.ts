/**
 * Rooms of real tabs for the chaos tests: three browsers, each a process of its own, and what can happen to
 * them in the middle of an answer. A tab asks through its page, so that the answer does not depend on the
 * coordinator; the seed is fixed, so that the same question has the same answer.
 */
import { chromium, type Page as ChromiumPage } from "playwright";
import type { Page as FirefoxPage } from "puppeteer-core";
import { openServer, type RunningServer } from "../../server/server.ts";
import { CHROMIUM_PATH, CHROMIUM_WEBGPU_FLAGS, launchFirefox } from "../browsers/browsers.ts";
import {
  BUILT_PAGE,
  type BrowserName,
  evenStages,
  JOIN_TIMEOUT_MS,
  MODEL,
  MODELS,
} from "./e2e-room.ts";
import { RoomApi } from "./room-api.ts";

/** For one step of a room: a placement is loaded from the cache, or an answer goes on. */
const STEP_TIMEOUT_MS = 90_000;
const TOKENS = 40;
/** The fault comes when the answer has this many. */
const TOKENS_BEFORE = 8;

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
  readonly id: string;
  readonly page: ChromiumPage | FirefoxPage;
  evaluate<T>(expression: string): Promise<T>;
  /** Runs statements in the GPU worker of now. */
  inGpuWorker(statements: string): Promise<void>;
  /** To the browser with all its processes. */
  signal(name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  close(): Promise<void>;
};

export type Answer = { readonly text: string; readonly tokens: number; readonly status: string };

export class ChaosRoom {
  readonly api: RoomApi;
  tabs: ChaosTab[] = [];
  #server: RunningServer;
  readonly #port: number;

  private constructor(server: RunningServer, code: string) {
    this.#server = server;
    this.api = new RoomApi(server.addresses[0]!, code);
    this.#port = Number(new URL(server.addresses[0]!).port);
  }

  static async open(code: string, browser: BrowserName, tabs = 3): Promise<ChaosRoom> {
    const room = new ChaosRoom(await serve(0), code);
    try {
      await room.join(browser);
      await Promise.all(Array.from({ length: tabs - 1 }, () => room.join(browser)));
      await room.api.waitForMembers(tabs, JOIN_TIMEOUT_MS);
      return room;
    } catch (error) {
      await room.close();
      throw error;
    }
  }

  /** Opens another tab, and waits until it is a member. */
  async join(browser: BrowserName, query = ""): Promise<ChaosTab> {
    const open = browser === "chromium" ? openChromium : openFirefox;
    const tab = await open(`${this.api.server}/?room=${this.api.room}&join${query}`);
    this.tabs.push(tab);
    return tab;
  }

  /** Even stages over these tabs; float activations, which do not depend on how rows are batched. */
  async place(...tabs: readonly ChaosTab[]): Promise<void> {
    const settings = { contextTokens: 512, generationSlots: 2, maxAnswerTokens: TOKENS };
    await tabs[0]!.evaluate(`(() => {
      const app = document.querySelector("tabmesh-app");
      const settings = { ...app.view.state.settings, ...${JSON.stringify(settings)}, activations: "float" };
      app.send({ type: "change_settings", settings });
    })()`);
    await this.api.place(MODEL, evenStages(tabs.map(({ id }) => id)));
  }

  /** The answer to the same question, with `act` in its middle. */
  async ask(asker: ChaosTab, act: () => unknown = () => undefined): Promise<Answer> {
    await asker.evaluate(`(() => {
      const app = document.querySelector("tabmesh-app");
      app.send({ type: "clear_chat" });
      app.send({ type: "send_message", text: "Tell me a long story about the sea." });
    })()`);
    await this.#until(asker, ({ tokens }) => tokens >= TOKENS_BEFORE);
    await act();
    return this.#until(asker, ({ status }) => !["queued", "streaming"].includes(status));
  }

  async stopServer(): Promise<void> {
    await this.#server.close();
  }

  async startServer(): Promise<void> {
    this.#server = await serve(this.#port);
  }

  /** Ends the browser without a word to the room. */
  kill(tab: ChaosTab): void {
    this.tabs = this.tabs.filter((other) => other !== tab);
    tab.signal("SIGKILL");
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.tabs.map((tab) => tab.close()));
    await this.#server.close();
  }

  async #until(tab: ChaosTab, isReached: (answer: Answer) => boolean): Promise<Answer> {
    const endMs = Date.now() + STEP_TIMEOUT_MS;
    let last: Answer = { text: "", tokens: 0, status: "none" };
    while (Date.now() < endMs) {
      last = await tab.evaluate<Answer>(`(() => {
        const { text, tokens, status, error } = document.querySelector("tabmesh-app").view.chat.at(-1) ?? {};
        return { text: (text ?? "") + (error ?? ""), tokens: tokens ?? 0, status: status ?? "queued" };
      })()`);
      if (isReached(last)) return last;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the answer did not get there: ${JSON.stringify(last)}`);
  }
}

function serve(port: number): Promise<RunningServer> {
  return openServer({
    port,
    page: BUILT_PAGE,
    models: MODELS,
    lanCertificate: null,
    allowOrigins: [],
  });
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
    id: await joinedId(evaluate),
    page,
    evaluate,
    inGpuWorker: (statements) => inGpuWorker(page.workers(), statements),
    signal: (name) => process.kill(-server.process().pid!, name),
    close: () => server.close(),
  };
}

/** Of either browser's driver. */
type DrivenWorker = { url(): string; evaluate(code: string): Promise<unknown> };

async function inGpuWorker(workers: readonly DrivenWorker[], statements: string): Promise<void> {
  const worker = workers.findLast((each) => each.url().includes("gpu.worker"));
  if (worker === undefined) throw new Error("the page has no GPU worker");
  await worker.evaluate(`(() => { ${statements} })()`);
}

async function openFirefox(url: string): Promise<ChaosTab> {
  const { browser, close } = await launchFirefox();
  const page = await browser.newPage();
  await page.evaluateOnNewDocument(INIT);
  await page.goto(url);
  const evaluate = <T>(expression: string) => page.evaluate(expression) as Promise<T>;
  return {
    id: await joinedId(evaluate),
    page,
    evaluate,
    inGpuWorker: (statements) => inGpuWorker(page.workers(), statements),
    signal: (name) => process.kill(-browser.process()!.pid!, name),
    close,
  };
}

/** The member's id, once the tab is in the room. */
async function joinedId(evaluate: <T>(expression: string) => Promise<T>): Promise<string> {
  const endMs = Date.now() + JOIN_TIMEOUT_MS;
  while (Date.now() < endMs) {
    const id = await evaluate<string | null>(
      `(() => { const { phase, self } = document.querySelector("tabmesh-app").view; return phase === "inside" ? self : null; })()`,
    );
    if (id !== null) return id;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the tab did not join the room");
}

/** In the GPU worker: the next step finds its device destroyed. */
export const DESTROY_DEVICE = `
  const create = GPUDevice.prototype.createCommandEncoder;
  GPUDevice.prototype.createCommandEncoder = function (...values) {
    GPUDevice.prototype.createCommandEncoder = create;
    this.destroy();
    return create.apply(this, values);
  };`;

/** In the GPU worker: an error that nobody catches. */
export const CRASH_WORKER = `setTimeout(() => { throw new Error("crashed by a test"); });`;

/** In the GPU worker: the channel on which the next frame with activations is sent closes instead. */
export const CLOSE_FRAMES = `
  const send = RTCDataChannel.prototype.send;
  RTCDataChannel.prototype.send = function (data) {
    if ((data.byteLength ?? 0) < 1000) return send.call(this, data);
    RTCDataChannel.prototype.send = send;
    this.close();
  };`;

/** In the page: every connection ends, without a word to the other side. */
export const DROP_LINKS = `connections.forEach((connection) => connection.close())`;
