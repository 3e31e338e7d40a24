/**
 * The page reports what goes wrong: wrong codes, full disks, models that do not fit or cannot be
 * read, tabs of another version, a busy port. The causes are real: servers that misbehave, a disk
 * quota, foreign peers. Expected sentences come from src/words.
 */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { busyPortMessage } from "../../server/arguments.mjs";
import { PROTOCOL_VERSION } from "../../src/mesh/packet.ts";
import { type Failure, RoomCode } from "../../src/shared/index.ts";
import { describeFailure } from "../../src/words/index.ts";
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
import { claimRoom, lookUpAndGreet } from "../../tools/room/foreign-peers.ts";
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
    await page.getByText("Room codes don't contain “0”").waitFor();
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
    await noticeWith(page, sentence({ reason: "room_not_found", code: RoomCode.parse("ZZZZ99") }));
    // The form accepts another code.
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

  test("that is not a URL is refused at the field", async () => {
    await loadByAddress(page, "model.gguf");
    await page.locator("input[type=url]:user-invalid").waitFor();
  });

  test("that is truncated in its header is reported with the file's length", async () => {
    await using files = await startRangeServer((await modelBytes()).subarray(0, 300_000));
    await loadByAddress(page, files.url);
    await noticeWith(page, /\b300,000 bytes\b/);
  });

  test("that is truncated in its weights is reported with the file's length", async () => {
    await using files = await startRangeServer((await modelBytes()).subarray(0, 60_000_000));
    await loadByAddress(page, files.url);
    await noticeWith(page, /\b60,000,000 bytes\b/);
  });

  test("that is no GGUF is reported", async () => {
    await using files = await startRangeServer(new TextEncoder().encode("<html>".repeat(100)));
    await loadByAddress(page, files.url);
    await noticeWith(page, /GGUF/);
  });

  test("whose server does not answer is reported with the address", async () => {
    const url = `http://127.0.0.1:${await closedPort()}/model.gguf`;
    await loadByAddress(page, url);
    await noticeWith(page, url);
  });

  test("that the server does not have is not found", async () => {
    const url = `${address}/models/no-such-file.gguf`;
    await loadByAddress(page, url);
    await noticeWith(page, sentence({ reason: "http_status", url, status: 404 }));
  });

  test("on a server without CORS headers is reported with the header to send", async () => {
    await using files = await startRangeServer(new Uint8Array(1000), { cors: "none" });
    await loadByAddress(page, files.url);
    await noticeWith(page, "Access-Control-Allow-Origin");
  });

  test("that cannot be read is a 503 over HTTP, with the reason as data", async () => {
    const url = `${address}/models/no-such-file.gguf`;
    const response = await new RoomApi(address, "BADURX").fetch("/api/placements", {
      method: "POST",
      body: JSON.stringify({ model: url }),
    });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      error: {
        reason: { reason: "model_unreadable", cause: { reason: "http_status", url, status: 404 } },
      },
    });
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

  test("is reported on the page with the bytes that are missing", async () => {
    await page.getByRole("button", { name: MODEL }).click();
    await noticeWith(page, /[\d,]{9,} bytes/);
  });

  test("is a 503 over HTTP, with the bytes that the stage is short of", async () => {
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
    type Refusal = { reason: string; availableBytes: number; neededBytes: number };
    const { error } = (await response.json()) as { error: { reason: Refusal } };
    expect(error.reason).toMatchObject({ reason: "stage_exceeds_memory", member: member!.id });
    expect(error.reason.availableBytes).toBeGreaterThan(0);
    expect(error.reason.availableBytes).toBeLessThanOrEqual(BUDGET_BYTES);
    expect(error.reason.neededBytes).toBeGreaterThan(error.reason.availableBytes);
  });
});

test("a full disk: the page reports it, and the model is loaded without being stored", async () => {
  const full = await browser.newContext();
  try {
    const page = await openRoomPage(full, `${address}/?room=FUHHDR&join`);
    const session = await full.newCDPSession(page);
    await session.send("Storage.overrideQuotaForOrigin", { origin: address, quotaSize: 5_000_000 });
    const warned = noticeWith(page, /no more disk space.* 1\.05 MB more/);
    const api = new RoomApi(address, "FUHHDR");
    await Promise.all([warned, api.place(MODEL)]);
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
  test("as a newcomer is refused by the room, with both versions", async () => {
    const page = await openRoomPage(context, `${address}/?room=STARMS&join`);
    const foreign = await openPage(context, `${address}/models/`);
    const { answer, farewell } = await lookUpAndGreet(foreign, { code: "STARMS", protocol: 99 });
    // The look-up's answer has the room's version, so that a newcomer need not connect to learn it.
    expect(answer).toMatchObject({ protocol: PROTOCOL_VERSION });
    expect(farewell).toMatchObject({
      type: "bye",
      failure: { reason: "version_mismatch", ours: PROTOCOL_VERSION, theirs: 99 },
    });
    expect((await new RoomApi(address, "STARMS").state()).members).toHaveLength(1);
    await foreign.close();
    await page.close();
  });

  test("as the room: the newcomer's page reports both versions", async () => {
    const foreign = await openPage(context, `${address}/models/`);
    const claim = await claimRoom(foreign, { code: "NEWRMS", protocol: 99 });
    const page = await openPage(context, address);
    await page.getByLabel("Room code").fill("NEWRMS");
    await page.getByLabel("Room code").press("Enter");
    const mismatch = { reason: "version_mismatch", ours: PROTOCOL_VERSION, theirs: 99 } as const;
    await noticeWith(page, sentence(mismatch));
    await claim.release();
    await foreign.close();
    await page.close();
  });
});

test("a second npm start on the port gets one line that says what to do", async () => {
  const port = Number(new URL(address).port);
  const { code, errors } = await npmStart(port);
  expect(code).toBe(1);
  expect(errors.trim()).toBe(busyPortMessage(port));
});

/** What the page says about a failure that names no member. */
const sentence = (failure: Failure) => describeFailure(failure, (id) => id);

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
