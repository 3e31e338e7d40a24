/**
 * Pages of one Chromium that a test drives as a person would: by reading and typing. Pages of one
 * context share the adapter's measurements and the disk.
 */
import { chromium, type Browser, type BrowserContext, type Page } from "playwright";
import { expect } from "vitest";
import { CHROMIUM_PATH, CHROMIUM_WEBGPU_FLAGS } from "../browsers/browsers.ts";
import { JOIN_TIMEOUT_MS } from "./e2e-room.ts";

/** For one step of a page: a request and its result, on what may be two shared cores. */
export const STEP_TIMEOUT_MS = 60_000;

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM_PATH, args: CHROMIUM_WEBGPU_FLAGS });
}

/** Opens `url`. */
export async function openPage(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(STEP_TIMEOUT_MS);
  await page.goto(url);
  return page;
}

/** Opens the address of a room, which joins by itself, and waits until it has joined. */
export async function openRoomPage(context: BrowserContext, url: string): Promise<Page> {
  const page = await openPage(context, url);
  await page.locator("tabmesh-members").waitFor({ timeout: JOIN_TIMEOUT_MS });
  return page;
}

/** Waits for a notice that contains `text` or matches it, and returns the whole notice. */
export async function noticeWith(
  page: Page,
  text: string | RegExp,
  timeoutMs = STEP_TIMEOUT_MS,
): Promise<string> {
  const notice = page.locator(".notice p");
  const shown = expect.poll(() => notice.allInnerTexts().then((texts) => texts.join(" ")), {
    timeout: timeoutMs,
    message: `a notice with ${String(text)}`,
  });
  await (typeof text === "string" ? shown.toContain(text) : shown.toMatch(text));
  return notice.innerText();
}

/** Types the address of a GGUF into the page's form and loads it. */
export async function loadByAddress(page: Page, url: string): Promise<void> {
  const field = page.getByLabel("URL of a GGUF file");
  if (!(await field.isVisible())) await page.getByText("Change model").click();
  await field.fill(url);
  await field.press("Enter");
}

/** How many pixels of the page overflow its window to the right. */
export function overflowPx(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });
}
