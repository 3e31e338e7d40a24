/**
 * Pages of one Chromium that a test drives like a person: it reads what the page
 * says, and types. Pages of one context share the measured adapter and the disk.
 */
import { chromium, type Browser, type BrowserContext, type Page } from "playwright";
import { expect } from "vitest";
import { CHROMIUM_PATH, CHROMIUM_WEBGPU_FLAGS } from "../browsers/browsers.ts";
import { JOIN_TIMEOUT_MS } from "./e2e-room.ts";

/** Of one step of a page: a request and its words, on what may be two shared cores. */
export const STEP_TIMEOUT_MS = 60_000;

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM_PATH, args: CHROMIUM_WEBGPU_FLAGS });
}

/** Opens `url` and waits until the adapter has been looked at. */
export async function openPage(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(STEP_TIMEOUT_MS);
  await page.goto(url);
  return page;
}

/** Opens the address of a room, which joins by itself, and waits until it is inside. */
export async function openRoomPage(context: BrowserContext, url: string): Promise<Page> {
  const page = await openPage(context, url);
  await page.locator("tabmesh-members").waitFor({ timeout: JOIN_TIMEOUT_MS });
  return page;
}

/** Waits for a notice with these words, and returns all of it. */
export async function noticeWith(
  page: Page,
  words: RegExp,
  timeoutMs = STEP_TIMEOUT_MS,
): Promise<string> {
  const notice = page.locator("tabmesh-notice .notice p");
  await expect
    .poll(() => notice.allInnerTexts().then((texts) => texts.join(" ")), {
      timeout: timeoutMs,
      message: `a notice that says ${words.source}`,
    })
    .toMatch(words);
  return notice.innerText();
}

/** Types the address of a GGUF into the page's form and loads it. */
export async function loadByAddress(page: Page, url: string): Promise<void> {
  const field = page.getByLabel("URL of a GGUF file");
  if (!(await field.isVisible())) await page.getByText("Change model").click();
  await field.fill(url);
  await field.press("Enter");
}

/** How many pixels of the page stick out to the right of its window. */
export function overflowPx(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });
}
