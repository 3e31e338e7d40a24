/**
 * A Chromium that stands for one machine of a room, and what can happen to it: its tab is hidden or
 * frozen, its processes are killed, it loses power. Unlike the tabs of most tests, a hidden one is
 * throttled as a person's is. Ends with the process that opened it.
 */
import puppeteer, { type Page } from "puppeteer-core";
import { CHROMIUM_PATH, CHROMIUM_WEBGPU_FLAGS } from "./browsers.ts";

/** Puppeteer and the other tests set these, so that no tab is throttled. */
const UNTHROTTLED = [
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
];

export type Machine = {
  readonly page: Page;
  /** Another tab comes to the front: the page is hidden, and its timers are throttled. */
  readonly hide: () => Promise<void>;
  show(): Promise<void>;
  /** Nothing in the tab runs, its workers included; the browser keeps running. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Ends every process at once. The system closes their sockets. */
  kill(): void;
  /** Stops every process: sockets stay open, and nothing answers. */
  losePower(): void;
  /** After `losePower`: everything continues, as after a sleep. */
  restorePower(): void;
  readonly close: () => Promise<void>;
};

export type MachineOptions = {
  readonly url: string;
  readonly onError: (line: string) => void;
  /** A directory that keeps the browser's storage; a fresh one unless given. */
  readonly profile?: string;
};

export async function openMachine(options: MachineOptions): Promise<Machine> {
  const { url, onError, profile } = options;
  const browser = await puppeteer.launch({
    executablePath: CHROMIUM_PATH,
    args: CHROMIUM_WEBGPU_FLAGS.filter((flag) => !UNTHROTTLED.includes(flag)),
    ignoreDefaultArgs: UNTHROTTLED,
    headless: true,
    networkEnabled: false, // an event for each piece of a body would cost as much as reading it
    protocolTimeout: 600_000,
    ...(profile === undefined ? {} : { userDataDir: profile }),
  });
  const [page] = await browser.pages();
  if (page === undefined) throw new Error("Chromium opened without a tab");
  page.on("pageerror", (error) => onError(`chromium: ${String(error)}`));
  page.on("console", (message) => {
    if (message.type() === "error") onError(`chromium: ${message.text()}`);
  });
  await page.goto(url);
  const devtools = await page.createCDPSession();
  const lifecycle = (state: "frozen" | "active") =>
    devtools.send("Page.setWebLifecycleState", { state });
  /** Chromium's processes are one group. */
  const signal = (name: "SIGKILL" | "SIGSTOP" | "SIGCONT") => {
    const pid = browser.process()?.pid;
    if (pid === undefined) throw new Error("Chromium has no process");
    process.kill(-pid, name);
  };
  let ended = false;
  return {
    page,
    hide: async () => {
      await (await browser.newPage()).bringToFront();
    },
    show: () => page.bringToFront(),
    freeze: () => lifecycle("frozen"),
    thaw: () => lifecycle("active"),
    kill: () => {
      ended = true;
      signal("SIGKILL");
    },
    losePower: () => signal("SIGSTOP"),
    restorePower: () => signal("SIGCONT"),
    close: async () => {
      if (ended) return;
      ended = true;
      signal("SIGKILL"); // also ends processes that are stopped
      await browser.close().catch(() => undefined); // it is gone already
    },
  };
}
