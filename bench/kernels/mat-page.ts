/**
 * In the browser: times the variants of the matrix kernels on given shapes, or counts what
 * they ask of memory. `tabmeshBench` is put on `globalThis` for the driver (main.ts).
 */
import { variantName, type MatVariant } from "../../src/kernels/mat-source.ts";
import { matCandidates, type Workload } from "../../src/kernels/mat-variants.ts";
import { requestKernelDevice, shaderFeatures } from "../../src/kernels/runner-device.ts";
import { makeBench, type MatJob } from "../../src/kernels/tune-bench.ts";
import type { BenchPageFunction } from "../support/bench-browser.ts";
import { traffic, type Traffic } from "./traffic.ts";

export type MatCase = MatJob & {
  readonly tokens: number;
  readonly workload: Workload;
  /** Instead of the workload's own candidates. */
  readonly variants?: readonly MatVariant[];
};

export type MatTiming = {
  readonly variant: string;
  readonly compileMs: number;
  /** Multiply-accumulates per second, in 1e9; the fastest of several runs. */
  readonly gigaMacs: number;
};

export type CountedMat = Traffic & { readonly variant: string };

export type MatRequest = { readonly work: MatCase; readonly counting: boolean };

/** Runs of each variant; the fastest counts, since other work on the machine only slows. */
const RUNS = 7;

const candidatesOf = (device: GPUDevice, { workload, activations, format, variants }: MatCase) =>
  variants ?? matCandidates(workload, activations, shaderFeatures(device), format);

async function measureMat(device: GPUDevice, work: MatCase): Promise<MatTiming[]> {
  const nudge = navigator.userAgent.includes("Firefox"); // only the clock depends on it
  const bench = await makeBench(device, work, work.tokens, nudge);
  const timings: MatTiming[] = [];
  for (const variant of candidatesOf(device, work)) {
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

async function countMat(device: GPUDevice, work: MatCase): Promise<CountedMat[]> {
  const counted: CountedMat[] = [];
  for (const variant of candidatesOf(device, work)) {
    counted.push({ variant: variantName(variant), ...(await traffic(device, work, variant)) });
  }
  return counted;
}

const tabmeshBench: BenchPageFunction = async (options) => {
  const { work, counting } = options as MatRequest;
  const device = await requestKernelDevice();
  try {
    return await (counting ? countMat(device, work) : measureMat(device, work));
  } finally {
    device.destroy();
  }
};
Object.assign(globalThis, { tabmeshBench });
