/**
 * The page as a person uses it: by keyboard alone, from an empty page to an answer; without
 * overflow on a phone and on a desktop; and when a machine leaves in the middle of an answer.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunningServer } from "../../server/server.ts";
import {
  launchChromium,
  noticeWith,
  openPage,
  overflowPx,
  STEP_TIMEOUT_MS,
} from "../../tools/room/e2e-pages.ts";
import {
  evenStages,
  JOIN_TIMEOUT_MS,
  MODEL,
  openE2eServer,
  ROOT,
  TestRoom,
} from "../../tools/room/e2e-room.ts";
import { RoomApi } from "../../tools/room/room-api.ts";

const SCREENSHOTS = join(ROOT, "test-results");
/** Loading a model: download, upload, compile and tune. */
const PLACE_TIMEOUT_MS = 180_000;
/** The page has fewer elements that take the focus. */
const MAX_TABS = 60;

let server: RunningServer;
let browser: Browser;

beforeAll(async () => {
  server = await openE2eServer();
  browser = await launchChromium();
  await mkdir(SCREENSHOTS, { recursive: true });
});

afterAll(async () => {
  await browser.close();
  await server.close();
});

describe("by keyboard alone", () => {
  let page: Page;

  beforeAll(async () => {
    page = await openPage(await browser.newContext(), server.addresses[0]!);
  });

  test("a room is opened, and the address has its code", async () => {
    await tabTo(page, /^Open a room$/);
    await page.keyboard.press("Enter");
    await page.locator("tabmesh-members").waitFor({ timeout: JOIN_TIMEOUT_MS });
    expect(page.url()).toMatch(/\?room=[A-Z2-9]{6}$/);
  });

  test("the model that the server offers is chosen, and the page shows its loading", async () => {
    await tabTo(page, new RegExp(`^${MODEL}`));
    await page.keyboard.press("Enter");
    await page.getByRole("status").filter({ hasText: "Placing the model" }).first().waitFor();
    await page.locator("tabmesh-placement").waitFor({ timeout: PLACE_TIMEOUT_MS });
    await page
      .getByText("Placing the model")
      .first()
      .waitFor({ state: "detached", timeout: PLACE_TIMEOUT_MS });
  });

  test("a question is asked, and the answer grows", async () => {
    await tabTo(page, /^Your message$/);
    await page.keyboard.type("Tell me a long story about the sea.");
    await page.keyboard.press("Enter");
    await expect.poll(() => answerOf(page), { timeout: STEP_TIMEOUT_MS }).not.toBe("");
    const early = await answerOf(page);
    await expect
      .poll(async () => (await answerOf(page)).length, { timeout: STEP_TIMEOUT_MS })
      .toBeGreaterThan(early.length);
    expect(await answerOf(page)).toContain(early.trim().slice(0, 8));
  });

  test("the answer is stopped and keeps its text", async () => {
    await tabTo(page, /^Stop generating$/);
    await page.keyboard.press("Enter");
    await page.getByText(/^stopped · \d+ tokens/).waitFor();
    const text = await answerOf(page);
    expect(text.length).toBeGreaterThan(0);
    const api = new RoomApi(server.addresses[0]!, new URL(page.url()).searchParams.get("room")!);
    await api.waitFor("no running generation", STEP_TIMEOUT_MS, ({ generations }) =>
      generations.every(({ status }) => status !== "running"),
    );
    expect(await answerOf(page)).toBe(text);
  });

  test.each([
    [360, 740],
    [1440, 900],
  ])("the room does not overflow a window of %i pixels", async (width, height) => {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const side of ["Chat", "Room (1)"]) {
        const tab = page.getByRole("button", { name: side, exact: true });
        if (await tab.isVisible()) await tab.click();
        await page.screenshot({
          path: join(SCREENSHOTS, `room-${side.slice(0, 4)}-${width}-${colorScheme}.png`),
        });
        expect(await overflowPx(page), `${side}, ${colorScheme}`).toBe(0);
      }
    }
  });

  test.each([
    [360, 740],
    [1440, 900],
  ])("the first page does not overflow a window of %i pixels", async (width, height) => {
    const outside = await openPage(page.context(), server.addresses[0]!);
    await outside.setViewportSize({ width, height });
    await outside.getByRole("button", { name: "Open a room" }).waitFor();
    await outside.screenshot({ path: join(SCREENSHOTS, `outside-${width}.png`) });
    expect(await overflowPx(outside)).toBe(0);
    await outside.close();
    await page.bringToFront();
  });
});

describe("a machine that leaves in the middle of an answer", () => {
  let room: TestRoom;
  let page: Page;

  beforeAll(async () => {
    room = new TestRoom(server, "GAWAYN");
    page = await openPage(await browser.newContext(), room.url);
    await room.api.waitForMembers(1, JOIN_TIMEOUT_MS);
    // A separate process, which ends without notice to the room.
    await room.openTab("chromium");
    const { coordinator, members } = await room.api.waitForMembers(2, JOIN_TIMEOUT_MS);
    const other = members.find(({ id }) => id !== coordinator)!;
    await room.api.place(MODEL, evenStages([coordinator, other.id]));
  });

  afterAll(async () => {
    await Promise.allSettled(room.tabs.map((tab) => tab.close()));
    await page.close();
  });

  test("is reported on the page, and the answer continues after the model is placed again", async () => {
    const answer = await askOnPage(page, "Tell me a long story about the sea.");
    const { members, coordinator } = await room.api.state();
    const name = members.find(({ id }) => id !== coordinator)!.name;
    const notice = noticeWith(page, name, 60_000);
    await room.tabs[0]!.close();
    await notice;
    await room.api.waitFor("the other machine to be gone", 60_000, ({ members }) => {
      return members.length === 1;
    });
    const { placement } = await room.api.waitFor(
      "the model to be placed again",
      180_000,
      (state) => {
        return state.placement?.ready === true && state.placement.stages.length === 1;
      },
    );
    expect(placement?.error).toBeNull();
    await expect
      .poll(async () => (await answerOf(page)).length, { timeout: STEP_TIMEOUT_MS })
      .toBeGreaterThan(answer.length + 20);
    expect(await answerOf(page)).toContain(answer.trim().slice(0, 8));
    await page.getByRole("button", { name: "Stop generating" }).click();
  });
});

/** Presses Tab until an element with this name has the focus. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  const seen: string[] = [];
  for (let i = 0; i < MAX_TABS; i++) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      let element = document.activeElement;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      if (element === null) return "";
      const { labels } = element as HTMLInputElement;
      const label = element.getAttribute("aria-label") ?? labels?.[0]?.textContent;
      return (label ?? element.textContent).trim().replaceAll(/\s+/g, " ");
    });
    if (name.test(focused)) return;
    seen.push(focused);
  }
  throw new Error(`Tab does not reach ${name.source}, only: ${seen.join(" | ")}`);
}

/** The text of the last answer; empty before there is one. */
async function answerOf(page: Page): Promise<string> {
  const answers = page.locator("tabmesh-message article.assistant .prose");
  return (await answers.count()) === 0 ? "" : answers.last().innerText();
}

/** Asks, and returns the answer so far once it has begun. */
async function askOnPage(page: Page, question: string): Promise<string> {
  const field = page.getByLabel("Your message");
  await field.fill(question);
  await field.press("Enter");
  await expect
    .poll(async () => (await answerOf(page)).length, { timeout: STEP_TIMEOUT_MS })
    .toBeGreaterThan(12);
  return answerOf(page);
}
