/**
 * In the browser: times the variants of the matrix kernels on given shapes, or counts what
 * they and the attention kernels load and compute on a GPU. `tabmeshBench` is put on `globalThis` for
 * the driver (main.ts).
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
import {
  attentionTraffic,
  countedKernels,
  type AttentionTraffic,
  type AttentionWork,
} from "./attention-traffic.ts";
import { traffic, type Traffic } from "./traffic.ts";

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

export type CountedMat = Traffic & { readonly variant: string };
export type CountedAttention = AttentionTraffic & { readonly variant: string };

export type KernelRequest =
  | { readonly kind: "time" | "count"; readonly work: MatCase }
  | { readonly kind: "count-attention"; readonly work: AttentionWork };

/** Runs of each variant; the fastest counts, since other work on the machine only slows one down. */
const RUNS = 7;

async function measureMat(device: GPUDevice, work: MatCase): Promise<MatTiming[]> {
  const { workload, activations, format } = work;
  const submitWhileWaiting = navigator.userAgent.includes("Firefox"); // only the clock depends on it
  const bench = await makeMatBench(device, work, work.tokens, submitWhileWaiting);
  const timings: MatTiming[] = [];
  const candidates = matCandidates(workload, activations, shaderFeatures(device), format);
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

async function countMat(device: GPUDevice, work: MatCase): Promise<CountedMat[]> {
  const { workload, activations, format } = work;
  const candidates = matCandidates(workload, activations, shaderFeatures(device), format);
  const counted: CountedMat[] = [];
  for (const variant of work.variants ?? candidates) {
    counted.push({ variant: variantName(variant), ...(await traffic(device, work, variant)) });
  }
  return counted;
}

async function countAttention(device: GPUDevice, work: AttentionWork): Promise<CountedAttention[]> {
  const counted: CountedAttention[] = [];
  for (const kernel of countedKernels(work)) {
    const variant = `${kernel.kind} wg${kernel.workgroupSize}`;
    counted.push({ variant, ...(await attentionTraffic(device, work, kernel)) });
  }
  return counted;
}

const tabmeshBench: BenchPageFunction = async (options) => {
  const request = options as KernelRequest;
  const device = await requestKernelDevice();
  try {
    switch (request.kind) {
      case "time":
        return await measureMat(device, request.work);
      case "count":
        return await countMat(device, request.work);
      case "count-attention":
        return await countAttention(device, request.work);
    }
  } finally {
    device.destroy();
  }
};
Object.assign(globalThis, { tabmeshBench });
