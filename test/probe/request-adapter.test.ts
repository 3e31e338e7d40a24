/** Which adapter browsers are started with, and what happens while a GPU process has none yet. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { requestAdapter } from "../../src/kernels/index.ts";
import { chooseAdapter, chromiumAdapterFlags } from "../../tools/browsers/adapter-choice.ts";

afterEach(() => vi.useRealTimers());

describe("a GPU process that has just started", () => {
  test("is asked again until it has an adapter", async () => {
    vi.useFakeTimers();
    const adapter = {} as GPUAdapter;
    const answers = [null, null, adapter];
    const found = requestAdapter({ requestAdapter: () => Promise.resolve(answers.shift()!) });
    await vi.advanceTimersByTimeAsync(1000);
    expect(await found).toBe(adapter);
  });

  test("has none after a second", async () => {
    vi.useFakeTimers();
    const settled = vi.fn();
    void requestAdapter({ requestAdapter: () => Promise.resolve(null) }).then(settled);
    await vi.advanceTimersByTimeAsync(999);
    expect(settled).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(settled).toHaveBeenCalledWith(null);
  });
});

describe("TABMESH_ADAPTER", () => {
  test.each([
    ["software", true, { kind: "software", reason: "TABMESH_ADAPTER" }],
    ["hardware", false, { kind: "hardware", reason: "TABMESH_ADAPTER" }],
    [undefined, true, { kind: "hardware", reason: "a GPU was found" }],
    ["", false, { kind: "software", reason: "no GPU was found" }],
  ])("%s on a machine with a GPU: %s", (variable, hasGpu, choice) => {
    expect(chooseAdapter(variable, () => hasGpu)).toEqual(choice);
  });

  test("another value is refused", () => {
    expect(() => chooseAdapter("gpu", () => true)).toThrow("TABMESH_ADAPTER is gpu");
  });

  test("only software adapters are SwiftShader", () => {
    expect(chromiumAdapterFlags("software").join()).toContain("swiftshader");
    expect(chromiumAdapterFlags("hardware", "linux").join()).not.toContain("swiftshader");
    expect(chromiumAdapterFlags("hardware", "darwin").join()).not.toContain("vulkan");
  });
});
