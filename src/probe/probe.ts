/**
 * Identifies and measures the adapter, in less than two seconds. Runs in a worker, so that the page
 * stays responsive while shaders compile.
 */
import { requestKernelDevice } from "../kernels/index.ts";
import { detailOf, type Adapter, type Measurements, type NoAdapter } from "../shared/index.ts";
import { isMobile } from "./browser-name.ts";
import { Completion } from "./completion.ts";
import { identify } from "./describe-adapter.ts";
import { measureMatMul, measureMatVec } from "./matrix.ts";
import { acceptedMemory } from "./accepted-memory.ts";
import { memoryBudgetBytes, MIN_BUDGET_BYTES } from "./memory-budget.ts";
import { measureDispatch, measureReadback } from "./overheads.ts";
import type { Bench } from "./bench.ts";
import { measureArithmetic, measureCopy } from "./throughput.ts";
import type { ProbeProgress, ProbeResult } from "./types.ts";

/** Sampling time of each of seven benchmarks, not including compiling. */
export const BENCH_MS = 120;

/**
 * Identifies and measures this tab's adapter. Resolves with the reason where there is none, or where
 * the device is lost meanwhile.
 */
export async function probeAdapter(
  onProgress: (progress: ProbeProgress) => void,
): Promise<ProbeResult> {
  const { adapter, noAdapter } = await identify();
  if (adapter === null) return without(noAdapter);
  let device: GPUDevice;
  try {
    device = await requestKernelDevice();
  } catch (error) {
    return without({ reason: "no_adapter", browser: adapter.browser, detail: detailOf(error) });
  }
  const lost = device.lost.then(({ reason, message }) => `${reason}: ${message}`);
  const measured = measure(device, adapter, onProgress);
  try {
    const ended = await Promise.race([measured, lost]);
    if (typeof ended === "string") return without({ reason: "device_lost", detail: ended });
    return { adapter, noAdapter: null, measurements: ended };
  } catch (error) {
    return without({ reason: "device_lost", detail: detailOf(error) });
  } finally {
    // After a loss the current benchmark may fail too; the loss is already reported.
    measured.catch(() => undefined);
    device.destroy();
  }
}

function without(noAdapter: NoAdapter): ProbeResult {
  return { adapter: null, noAdapter, measurements: null };
}

async function measure(
  device: GPUDevice,
  adapter: Adapter,
  onProgress: (progress: ProbeProgress) => void,
): Promise<Measurements> {
  const steps = device.features.has("shader-f16") ? 8 : 7;
  let done = 0;
  const next = async <T>(label: string, work: () => Promise<T>): Promise<T> => {
    onProgress({ label, fraction: done / steps });
    const result = await work();
    done += 1;
    return result;
  };
  const completion = new Completion(device);
  const { overheadMs, ...readback } = await next("readback", () =>
    measureReadback(device, completion, adapter.software),
  );
  const bench: Bench = {
    device,
    completion,
    overheadMs,
    budgetMs: BENCH_MS,
    software: adapter.software,
  };
  const copyBytesPerMs = await next("copy bandwidth", () => measureCopy(bench));
  const f32FlopsPerMs = await next("arithmetic", () => measureArithmetic(bench, "f32"));
  const f16FlopsPerMs = device.features.has("shader-f16")
    ? await next("half-precision arithmetic", () => measureArithmetic(bench, "f16"))
    : null;
  const matVecMacsPerMs = await next("matrix times vector", () => measureMatVec(bench));
  const matMulMacsPerMs = await next("matrix times matrix", () => measureMatMul(bench));
  const dispatchMs = await next("dispatch", () => measureDispatch(bench));
  completion.destroy();
  const estimate = memoryBudgetBytes({
    deviceMemoryGib: (navigator as { deviceMemory?: number }).deviceMemory ?? null,
    maxBufferBytes: adapter.maxBufferBytes,
    software: adapter.software,
    mobile: isMobile(navigator.userAgent),
  });
  const budget = await next("memory", async () =>
    adapter.software ? estimate : acceptedMemory(requestKernelDevice, estimate),
  );
  onProgress({ label: "measured", fraction: 1 });
  return {
    copyBytesPerMs,
    f32FlopsPerMs,
    f16FlopsPerMs,
    matVecMacsPerMs,
    matMulMacsPerMs,
    dispatchMs,
    ...readback,
    memoryBudgetBytes: Math.max(MIN_BUDGET_BYTES, budget),
    measuredAtMs: Date.now(),
  };
}
