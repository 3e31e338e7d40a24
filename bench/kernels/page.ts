/**
 * In the browser: times the variants of the matrix kernels on given shapes. `tabmeshBench` is put on
 * `globalThis` for the driver (main.ts).
 */
import {
  matCandidates,
  type MatVariant,
  requestKernelDevice,
  shaderFeatures,
  variantName,
  type Workload,
} from "../../src/kernels/index.ts";
import { makeMatBench, type MatJob } from "../../src/tuner/index.ts";
import type { BenchPageFunction } from "../../tools/browsers/bench-browser.ts";
export type MatCase = MatJob & {
  readonly tokens: number;
  readonly workload: Workload;
  /** Replaces the workload's candidates. */
  readonly variants?: readonly MatVariant[];
};

export type MatTiming = {
  readonly variant: string;
  readonly compileMs: number;
  /** Multiply-accumulates per second, in 1e9; the fastest of several runs. */
  readonly gigaMacs: number;
};

/** Runs of each variant; the fastest counts, since other work on the machine only slows one down. */
const RUNS = 7;

async function measureMat(device: GPUDevice, work: MatCase): Promise<MatTiming[]> {
  const { workload, activations, format } = work;
  const submitWhileWaiting = navigator.userAgent.includes("Firefox"); // only the clock depends on it
  const bench = await makeMatBench(device, work, work.tokens, submitWhileWaiting);
  const timings: MatTiming[] = [];
  const features = shaderFeatures(device);
  const candidates = [true, false].flatMap((lowParallelism) =>
    matCandidates(workload, activations, features, lowParallelism, format),
  );
  for (const variant of work.variants ?? candidates) {
    const start = performance.now();
    const failed = await bench.prepare(variant);
    if (failed !== null) throw new Error(failed);
    const compileMs = performance.now() - start;
    let bestMs = Infinity;
    for (let run = 0; run < RUNS; run++) bestMs = Math.min(bestMs, await bench.timeAgain(variant));
    timings.push({ variant: variantName(variant), compileMs, gigaMacs: bench.macs / bestMs / 1e6 });
  }
  bench.destroy();
  return timings;
}

const tabmeshBench: BenchPageFunction = async (options) => {
  const device = await requestKernelDevice();
  try {
    return await measureMat(device, options as MatCase);
  } finally {
    device.destroy();
  }
};
Object.assign(globalThis, { tabmeshBench });
