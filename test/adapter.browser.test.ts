/** Without an adapter nothing below can be tested: fail here, in words, and never skip. */
import { expect, inject, test } from "vitest";
import { identify } from "../src/probe/index.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** What `TABMESH_ADAPTER` or the machine decided (tools/browsers/adapter-choice.ts). */
    readonly adapterKind: "software" | "hardware";
  }
}

test("this browser has a WebGPU adapter of the kind that was chosen", async () => {
  expect(navigator.gpu, "navigator.gpu is missing: WebGPU is off in this browser").toBeDefined();
  const { adapter, noAdapter } = await identify();
  expect(noAdapter, "no adapter: see TABMESH_ADAPTER in CONTRIBUTING.md").toBeNull();
  const { vendor, architecture, description, software } = adapter!;
  console.info(`${inject("adapterKind")} adapter: ${vendor} ${architecture} ${description}`);
  expect(software).toBe(inject("adapterKind") === "software");
});

test("the page is cross-origin isolated, so that timers are fine", () => {
  expect(globalThis.crossOriginIsolated).toBe(true);
});
