/** The message for a tab without an adapter. */
import { expect, test } from "vitest";
import type { NoAdapter } from "../../src/shared/member.ts";
import { describeNoAdapter } from "../../src/words/index.ts";

test("an insecure context: the HTTPS address of the same page", () => {
  const url = "http://192.168.1.5:8787/?room=ABCDEF";
  const message = describeNoAdapter({ reason: "insecure_context", url });
  expect(message).toContain("https://192.168.1.5:8787/?room=ABCDEF");
  expect(message).toContain("--lan");
});

test.each<[NoAdapter, string]>([
  [{ reason: "no_webgpu", browser: "Firefox 153" }, "dom.webgpu.enabled"],
  [{ reason: "no_webgpu", browser: "Safari 18" }, "Safari 26"],
  [{ reason: "no_webgpu", browser: "Chromium 100" }, "chrome://flags"],
  [{ reason: "no_adapter", browser: "Firefox 153", detail: null }, "gfx.webgpu.ignore-blocklist"],
  [{ reason: "no_adapter", browser: "Chromium 156", detail: null }, "chrome://gpu"],
  [{ reason: "device_lost", detail: null }, "reload"],
  [
    { reason: "worker_gone", cause: { reason: "worker_failed", worker: "GPU", detail: "" } },
    "Reload the page",
  ],
])("%o: what to do, and that the tab can stay", (noAdapter, part) => {
  const message = describeNoAdapter(noAdapter);
  expect(message).toContain(part);
  expect(message).toContain("You can still join");
});

test("the browser's message is quoted", () => {
  const detail = "vkCreateInstance failed";
  const message = describeNoAdapter({ reason: "no_adapter", browser: "Chromium 156", detail });
  expect(message).toContain("The browser said: vkCreateInstance failed.");
});

test("for an observer, no problem is named", () => {
  expect(describeNoAdapter({ reason: "observer" })).toBe(
    "This tab only chats and watches. It does not compute.",
  );
});
