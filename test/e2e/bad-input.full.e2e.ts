/**
 * What goes wrong reaches the person at the page in words: wrong codes, full disks,
 * models that do not fit or cannot be read, tabs of another version, a busy port.
 * The causes are real: real servers that misbehave, a real quota, real peers.
 */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { busyPortMessage } from "../../server/arguments.mjs";
import type { RunningServer } from "../../server/server.ts";
import { startRangeServer } from "../../tools/gguf/range-server.ts";
import {
  launchChromium,
  loadByAddress,
  noticeWith,
  openPage,
  openRoomPage,
} from "../../tools/room/e2e-pages.ts";
import { LAYERS, MODEL, MODELS, openE2eServer, ROOT } from "../../tools/room/e2e-room.ts";
import { greet, type OpenedDoor, openDoor } from "../../tools/room/e2e-strangers.ts";
import { RoomApi } from "../../tools/room/room-api.ts";

let server: RunningServer;
let address: string;
let browser: Browser;
/** Pages that share their measurements, so that the adapter is measured once. */
let context: BrowserContext;

beforeAll(async () => {
  server = await openE2eServer();
  address = server.addresses[0]!;
  browser = await launchChromium();
  context = await browser.newContext();
});

afterAll(async () => {
  await browser.close();
  await server.close();
});

describe("a wrong room code", () => {
  test("that cannot be one is refused while it is typed", async () => {
    const page = await openPage(context, address);
    await page.getByLabel("Room code").fill("ABCD0F");
    await page.getByText("Room codes don’t contain “0”").waitFor();
    await page.getByLabel("Room code").fill("ABC");
    await page.getByLabel("Room code").press("Enter");
    await page.getByText("Enter 3 more characters. A room code has six.").waitFor();
    await page.close();
  });

  test("in the address is named, with what a code looks like", async () => {
    const page = await openPage(context, `${address}/?room=hello-room&join`);
    expect(await noticeWith(page, /"hello-room" is not a room code/)).toContain("6 letters");
    await page.close();
  });

  test("of a room that nobody is in says so", async () => {
    const page = await openPage(context, address);
    await page.getByLabel("Room code").fill("ZZZZ99");
    await page.getByLabel("Room code").press("Enter");
    const words = await noticeWith(page, /ZZZZ99/);
    expect(words).toMatch(/[Cc]heck the code/);
    // The doors are open again.
    await page.getByRole("button", { name: "Join", exact: true, disabled: false }).waitFor();
    await page.close();
  });
});

describe("a model by address", () => {
  let page: Page;

  beforeAll(async () => {
    page = await openRoomPage(context, `${address}/?room=BADURX&join`);
  });

  afterAll(() => page.close());

  test("that is no address is refused at the field", async () => {
    await loadByAddress(page, "model.gguf");
    await page.getByText("This is not a valid URL.").waitFor();
  });

  test("that is truncated in its header says that it is", async () => {
    await using files = await startRangeServer((await modelBytes()).subarray(0, 300_000));
    await loadByAddress(page, files.url);
    await noticeWith(page, /ends within its header.* truncated/);
  });

  test("that is truncated in its weights says that it is", async () => {
    await using files = await startRangeServer((await modelBytes()).subarray(0, 60_000_000));
    await loadByAddress(page, files.url);
    await noticeWith(page, /has 60000000 bytes, but its tensor .* truncated/);
  });

  test("that is no GGUF says so", async () => {
    await using files = await startRangeServer(new TextEncoder().encode("<html>".repeat(100)));
    await loadByAddress(page, files.url);
    await noticeWith(page, /GGUF/);
  });

  test("that nothing answers at names the address and what to check", async () => {
    const url = `http://127.0.0.1:${await closedPort()}/model.gguf`;
    await loadByAddress(page, url);
    expect(await noticeWith(page, /cannot be reached/)).toContain(url);
  });

  test("that the server does not have is not found", async () => {
    await loadByAddress(page, `${address}/models/no-such-file.gguf`);
    await noticeWith(page, /no file at .*no-such-file\.gguf/);
  });

  test("on a server without CORS headers says that it may be that, and what helps", async () => {
    await using files = await startRangeServer(new Uint8Array(1000), { cors: "none" });
    await loadByAddress(page, files.url);
    const words = await noticeWith(page, /CORS/);
    expect(words).toContain("Access-Control-Allow-Origin");
    expect(words).toContain("open it from disk");
  });

  test("over HTTP, the words are in the answer", async () => {
    const response = await new RoomApi(address, "BADURX").fetch("/api/placements", {
      method: "POST",
      body: JSON.stringify({ model: `${address}/models/no-such-file.gguf` }),
    });
    expect(response.status).toBe(503);
    const { error } = (await response.json()) as { error: { message: string } };
    expect(error.message).toContain("no-such-file.gguf");
  });
});

describe("a model that does not fit", () => {
  /** Too little for all of the model's 98 MB, enough for some of its layers. */
  const BUDGET_BYTES = 60_000_000;
  let small: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    small = await browser.newContext();
    const measuring = await openRoomPage(small, `${address}/?room=HEAVYM&join`);
    // The tab joins again with the budget of a small machine, measured last time.
    await measuring.evaluate((bytes) => {
      const kept = localStorage.getItem("tabmesh.probe");
      if (kept === null) throw new Error("the page kept no measurements");
      const entry = JSON.parse(kept) as { measurements: { memoryBudgetBytes: number } };
      entry.measurements.memoryBudgetBytes = bytes;
      localStorage.setItem("tabmesh.probe", JSON.stringify(entry));
    }, BUDGET_BYTES);
    await measuring.close();
    page = await openRoomPage(small, `${address}/?room=HEAVYM&join`);
  });

  afterAll(() => small.close());

  test("says on the page how many bytes are missing", async () => {
    await page.getByRole("button", { name: MODEL }).click();
    await noticeWith(page, /does not fit this room: [\d,]{9,} bytes short/);
  });

  test("says in the answer of the API how many bytes a stage is short of", async () => {
    const api = new RoomApi(address, "HEAVYM");
    const [member] = (await api.state()).members;
    const response = await api.fetch("/api/placements", {
      method: "POST",
      body: JSON.stringify({
        model: MODEL,
        stages: [{ member: member!.id, first: 0, end: LAYERS }],
      }),
    });
    expect(response.status).toBe(503);
    const { error } = (await response.json()) as { error: { message: string } };
    const numbers = /has ([\d,]+) bytes .* which need ([\d,]+): ([\d,]+) bytes short/;
    const [has, needed, short] = (numbers.exec(error.message) ?? []).slice(1).map((count) => {
      return Number(count.replaceAll(",", ""));
    });
    expect(has, error.message).toBeGreaterThan(0);
    expect(has).toBeLessThanOrEqual(BUDGET_BYTES);
    expect(short).toBe(needed! - has!);
  });
});

test("a full disk: the page says so, and the model is loaded without being stored", async () => {
  const full = await browser.newContext();
  try {
    const page = await openRoomPage(full, `${address}/?room=FUHHDR&join`);
    const session = await full.newCDPSession(page);
    await session.send("Storage.overrideQuotaForOrigin", { origin: address, quotaSize: 5_000_000 });
    const warned = noticeWith(page, /disk space .* full|disk is full/i);
    const api = new RoomApi(address, "FUHHDR");
    await Promise.all([warned, api.place(MODEL)]);
    expect(await warned).toContain("without being stored");
    const response = await api.post("/v1/completions", {
      prompt: "The capital of France is",
      temperature: 0,
      max_tokens: 1,
    });
    const { choices } = (await response.json()) as { choices: { text: string }[] };
    expect(choices[0]!.text).toBe(" Paris");
  } finally {
    await full.close();
  }
});

describe("a peer with another version of the protocol", () => {
  test("as a newcomer is turned away by the room, with both versions named", async () => {
    const page = await openRoomPage(context, `${address}/?room=STARMS&join`);
    const stranger = await openPage(context, `${address}/models/`);
    const { answer, farewell } = await greet(stranger, { code: "STARMS", protocol: 99 });
    // Whoever knocks reads the room's version before anything else.
    expect(answer).toMatchObject({ protocol: 1 });
    expect(farewell).toMatchObject({ type: "bye" });
    expect(farewell.reason).toContain("99");
    expect(farewell.reason).toContain("protocol 1");
    expect((await new RoomApi(address, "STARMS").state()).members).toHaveLength(1);
    await stranger.close();
    await page.close();
  });

  test("as the room sends the newcomer to reload its page", async () => {
    const stranger = await openPage(context, `${address}/models/`);
    const door: OpenedDoor = await openDoor(stranger, { code: "NEWRMS", protocol: 99 });
    const page = await openPage(context, address);
    await page.getByLabel("Room code").fill("NEWRMS");
    await page.getByLabel("Room code").press("Enter");
    const words = await noticeWith(page, /speaks protocol 1, the room speaks 99/);
    expect(words).toContain("reload this page");
    await door.close();
    await stranger.close();
    await page.close();
  });
});

test("a second npm start on the port gets one line that says what to do", async () => {
  const port = Number(new URL(address).port);
  const { code, errors } = await npmStart(port);
  expect(code).toBe(1);
  expect(errors.trim()).toBe(busyPortMessage(port));
});

async function modelBytes(): Promise<Uint8Array> {
  return new Uint8Array(await readFile(join(MODELS, `${MODEL}.gguf`)));
}

/** A port at which nothing listens. */
async function closedPort(): Promise<number> {
  const listening = createServer();
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const { port } = listening.address() as AddressInfo;
  await new Promise((resolve) => listening.close(resolve));
  return port;
}

function npmStart(port: number): Promise<{ code: number | null; errors: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn("npm", ["start", "--silent", "--", "--port", String(port)], { cwd: ROOT });
    let errors = "";
    child.stderr.on("data", (data: Buffer) => (errors += data.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, errors }));
  });
}
