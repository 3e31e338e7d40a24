/**
 * The benchmarks as they run on a hardware adapter (`software: false`), with its
 * sizes, on the adapter available here and with small budgets. A device made with
 * WebGPU's default limits stands for the smallest adapter that a browser may offer.
 */
import { afterEach, describe, expect, test } from "vitest";
import { requestKernelDevice } from "../../src/kernels/core/device.ts";
import type { Bench } from "../../src/probe/bench.ts";
import { Completion } from "../../src/probe/completion.ts";
import { measureMatMul, measureMatVec } from "../../src/probe/matrix.ts";
import { measureArithmetic, measureCopy } from "../../src/probe/throughput.ts";

/** One sample of each benchmark is always taken; more would only cost time. */
const BUDGET_MS = 1;

const devices: GPUDevice[] = [];
afterEach(() => {
  for (const device of devices.splice(0)) device.destroy();
});

function hardwareBench(device: GPUDevice): Bench {
  devices.push(device);
  const completion = new Completion(device);
  return { device, completion, overheadMs: 0, budgetMs: BUDGET_MS, software: false };
}

async function deviceWithDefaultLimits(): Promise<GPUDevice> {
  const adapter = await navigator.gpu.requestAdapter();
  return adapter!.requestDevice();
}

describe.each([
  ["the adapter's own limits", requestKernelDevice],
  ["WebGPU's default limits", deviceWithDefaultLimits],
])("the benchmarks of a hardware adapter, with %s", (_name, request) => {
  test.each([
    ["copy", measureCopy],
    ["arithmetic", (bench: Bench) => measureArithmetic(bench, "f32")],
    ["matrix times vector", measureMatVec],
    ["matrix times matrix", measureMatMul],
  ])("%s runs without a validation error and gives a rate", async (_benchmark, measure) => {
    const device = await request();
    const errors: string[] = [];
    device.addEventListener("uncapturederror", ({ error }) => void errors.push(error.message));
    const rate = await measure(hardwareBench(device));
    expect(rate).toBeGreaterThan(0);
    expect(Number.isFinite(rate)).toBe(true);
    await device.queue.onSubmittedWorkDone();
    expect(errors).toEqual([]);
  });
});
