/** Without an adapter nothing below can be tested: fail here, in words, and never skip. */
import { expect, test } from "vitest";

test("this browser has a WebGPU adapter", async () => {
  expect(navigator.gpu, "navigator.gpu is missing: WebGPU is off in this browser").toBeDefined();
  const adapter = await navigator.gpu.requestAdapter();
  expect(
    adapter,
    "no adapter: start Chromium with SwiftShader, or Firefox with lavapipe",
  ).not.toBeNull();
});

test("the page is cross-origin isolated, so that timers are fine", () => {
  expect(globalThis.crossOriginIsolated).toBe(true);
});
