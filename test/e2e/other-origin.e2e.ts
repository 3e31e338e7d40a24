/**
 * What a page of another origin gets from the server in a real Chromium and a real Firefox:
 * nothing. Then, in the server's own page, that the browser enforces its policy. Other
 * e2e tests join rooms under the same policy and accept no error in a console.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunningServer } from "../../server/server.ts";
import { launchFirefox } from "../../tools/browsers/browsers.ts";
import { launchChromium } from "../../tools/room/e2e-pages.ts";
import { openE2eServer } from "../../tools/room/e2e-room.ts";
import { answerJson, type FakeRoom, openFakeRoom } from "../server/fake-room.ts";

/** The parts of Playwright's and Puppeteer's pages that are used here. */
type Page = {
  goto(url: string): Promise<unknown>;
  evaluate<Arg, Result>(run: (arg: Arg) => Promise<Result>, arg: Arg): Promise<Result>;
  frames(): { evaluate<Result>(run: () => Result): Promise<Result> }[];
};
type Browser = { newPage(): Promise<Page>; close(): Promise<void> };

const BROWSERS: Record<string, () => Promise<Browser>> = {
  chromium: () => launchChromium(),
  firefox: async () => {
    const { browser, close } = await launchFirefox();
    return { newPage: async () => (await browser.newPage()) as unknown as Page, close };
  },
};

let target: RunningServer;
let room: FakeRoom;
let attacker: Server;

beforeAll(async () => {
  target = await openE2eServer();
  room = await openFakeRoom(target.port, (request, self) =>
    answerJson(self, request.id, { prompt: "a secret" }),
  );
  attacker = createServer((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html><body></body>");
  });
  await once(attacker.listen(0, "127.0.0.1"), "listening");
});
afterAll(async () => {
  attacker.close();
  attacker.closeAllConnections();
  await target.close();
});

describe.each(Object.keys(BROWSERS))("in %s", (name) => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await BROWSERS[name]!();
  });
  afterAll(() => browser.close());

  // Another port is the same site, and another name of this machine is another site.
  test.each(["localhost", "127.0.0.1"])("a page at %s gets nothing", async (host) => {
    const page = await browser.newPage();
    await page.goto(`http://${host}:${(attacker.address() as AddressInfo).port}/`);
    const got = await page.evaluate(attack, `localhost:${target.port}`);
    for (const [what, outcome] of Object.entries(got)) expect(outcome, what).toBe("nothing");
    // Not even a request whose answer the page cannot read.
    expect(room.received).toEqual([]);
    for (const frame of page.frames().slice(1)) {
      expect(await frame.evaluate(() => document.querySelector("tabmesh-app"))).toBeNull();
    }
  });

  test("the server's own page runs, and no injected script does", async () => {
    const page = await browser.newPage();
    await page.goto(`http://localhost:${target.port}/`);
    expect(await page.evaluate(inject, null)).toEqual({
      pageRuns: true,
      workerRuns: true,
      webAssemblyRuns: true,
      injected: [],
    });
  });
});

/** Runs in a page: every way in that a page of another origin has. */
async function attack(target: string): Promise<Record<string, string>> {
  const base = `http://${target}`;
  const got: Record<string, string> = {};
  const read = async (what: string, path: string, init: RequestInit = {}) => {
    try {
      const response = await fetch(base + path, { credentials: "include", ...init });
      // A request without CORS is sent, and its response is opaque: the room's log shows the rest.
      got[what] = response.type === "opaque" ? "nothing" : `status ${response.status}`;
    } catch {
      got[what] = "nothing";
    }
  };
  const events = (what: string, source: EventTarget, bad: string[], good: string[]) =>
    new Promise<void>((resolve) => {
      const settle = (outcome: string) => {
        got[what] = outcome;
        resolve();
      };
      for (const type of bad) source.addEventListener(type, () => settle(`event ${type}`));
      for (const type of good) source.addEventListener(type, () => settle("nothing"));
    });
  const embed = async (tag: "script" | "img" | "video", path: string) => {
    const element = document.createElement(tag);
    const settled = events(`${tag} ${path}`, element, ["load", "loadeddata"], ["error"]);
    element.src = base + path;
    document.body.append(element);
    await settled;
  };
  const post = (type: string): RequestInit => ({
    method: "POST",
    headers: { "content-type": type },
    body: '{"prompt": "hello"}',
  });
  for (const path of [
    "/api/state",
    "/v1/models",
    "/server.json",
    "/models/",
    "/peerjs/peerjs/id",
  ]) {
    await read(`fetch ${path}`, path);
    await read(`fetch without CORS ${path}`, path, { mode: "no-cors" });
  }
  await read("preview", "/api/placements/preview?model=http://evil.example/a.gguf", {
    mode: "no-cors",
  });
  for (const path of ["/v1/chat/completions", "/api/placements"]) {
    await read(`POST text ${path}`, path, { ...post("text/plain"), mode: "no-cors" });
    await read(`POST JSON ${path}`, path, post("application/json"));
    navigator.sendBeacon(base + path, '{"prompt": "hello"}');
  }
  for (const path of ["/bridge", "/peerjs/peerjs?key=peerjs&id=evil&token=t"]) {
    const socket = new WebSocket(`ws://${target}${path}`);
    await events(`WebSocket ${path}`, socket, ["open", "message"], ["close"]);
  }
  const source = new EventSource(`${base}/api/events`, { withCredentials: true });
  await events("EventSource", source, ["open", "message"], ["error"]);
  source.close();
  await embed("script", "/api/state");
  await embed("script", "/server.json");
  await embed("img", "/favicon.svg");
  await embed("video", "/models/tiny.gguf");
  const form = document.createElement("form");
  Object.assign(form, { method: "post", enctype: "text/plain", target: "posted" });
  form.action = `${base}/v1/completions`;
  const frames = [document.createElement("iframe"), document.createElement("iframe")];
  frames[0]!.src = `${base}/?room=ABCDEF&join`;
  frames[1]!.name = "posted";
  document.body.append(form, ...frames);
  form.submit();
  const loaded = (frame: HTMLIFrameElement) =>
    new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  await Promise.all(frames.map(loaded));
  return got;
}

/** Runs in the server's page: what markup of an attacker would try, and what must still work. */
async function inject(): Promise<Record<string, unknown>> {
  const injected: string[] = [];
  Object.assign(globalThis, { injected });
  const script = document.createElement("script");
  script.textContent = 'injected.push("inline script")';
  const image = document.createElement("div");
  image.innerHTML = `<img src="data:," onerror="injected.push('event handler')">`;
  const external = document.createElement("script");
  external.src = "data:text/javascript,injected.push('data script')";
  const failed = new Promise((resolve) => external.addEventListener("error", resolve));
  document.body.append(script, image, external);
  // In a task of its own: drivers may evaluate text, and what runs within that may too.
  await new Promise<void>((resolve) => {
    setTimeout(() => {
      try {
        // oxlint-disable-next-line typescript/no-implied-eval, typescript/no-unsafe-call -- must be refused
        new Function('injected.push("eval")')();
      } catch {
        // As intended.
      }
      resolve();
    });
  });
  await failed;
  const blobUrl = URL.createObjectURL(new Blob(["postMessage(1)"]));
  try {
    const worker = new Worker(blobUrl);
    await new Promise((resolve, reject) => {
      worker.onmessage = resolve;
      worker.onerror = reject;
    });
    injected.push("blob worker");
  } catch {
    // As intended.
  }
  const emptyModule = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  const webAssemblyRuns = await WebAssembly.compile(emptyModule).then(
    () => true,
    () => false,
  );
  // The probe of the adapter runs in a worker of the build.
  const entries = () => performance.getEntriesByType("resource").map(({ name }) => name);
  const workerRuns = entries().some((url) => /worker-[\w-]+\.js$/.test(url));
  const app = document.querySelector("tabmesh-app");
  const pageRuns = (app?.shadowRoot?.childElementCount ?? 0) > 0;
  return { pageRuns, workerRuns, webAssemblyRuns, injected };
}
