/**
 * In the browser: times the variants of the matrix kernels, and the kernels before them, on given
 * shapes. `tabmeshBench` is put on `globalThis` for the driver (main.ts).
 */
import {
  forShape,
  matCandidates,
  requestKernelDevice,
  shaderFeatures,
  variantName,
} from "../../src/kernels/index.ts";
import { makeMatBench } from "../../src/tuner/index.ts";
import type { BenchPageFunction } from "../../tools/browsers/bench-browser.ts";
import type { BenchRequest, MatCase, Timing } from "./cases.ts";
import { keepBusy, timeNorms } from "./norms.ts";

/** Runs of each variant; the fastest counts, since other work on the machine only slows one down. */
const RUNS = 7;
/** A hardware adapter's clocks rise only under load. */
const CLOCK_RAMP_MS = 300;

async function measureMat(device: GPUDevice, work: MatCase, isGpu: boolean): Promise<Timing[]> {
  const submitWhileWaiting = navigator.userAgent.includes("Firefox"); // only the clock depends on it
  const bench = await makeMatBench(device, work, work.tokens, submitWhileWaiting);
  const timings: Timing[] = [];
  const { variants, chosen } = variantsOf(device, work, isGpu);
  if (isGpu) await keepBusy(device, CLOCK_RAMP_MS);
  for (const variant of work.variants ?? variants) {
    const start = performance.now();
    const failed = await bench.prepare(variant);
    if (failed !== null) throw new Error(failed);
    const compileMs = performance.now() - start;
    let bestMs = Infinity;
    for (let run = 0; run < RUNS; run++) bestMs = Math.min(bestMs, await bench.timeAgain(variant));
    const name = variantName(variant);
    const { macs, weightBytes } = bench;
    const isChosen = name === chosen;
    timings.push({
      variant: name,
      compileMs,
      microseconds: bestMs * 1e3,
      macs,
      weightBytes,
      isChosen,
    });
  }
  bench.destroy();
  return timings;
}

/** All variants that an adapter of this kind may run on a shape, each once, and the first guess. */
function variantsOf(device: GPUDevice, work: MatCase, isGpu: boolean) {
  const { workload, activations, format, tokens } = work;
  const features = shaderFeatures(device);
  const candidates = matCandidates(workload, activations, features, !isGpu, format);
  const fitted = candidates.map((one) => {
    const choice = forShape(one, work, activations, features);
    return choice.find(({ upTo }) => tokens <= upTo)!.variant;
  });
  const all = new Map(
    [...fitted, ...candidates].map((variant) => [variantName(variant), variant] as const),
  );
  return { variants: [...all.values()], chosen: variantName(fitted[0]!) };
}

const tabmeshBench: BenchPageFunction = async (options) => {
  const { work, isGpu } = options as BenchRequest;
  const device = await requestKernelDevice();
  try {
    if (work.kind === "product") return await measureMat(device, work, isGpu);
    if (isGpu) await keepBusy(device, CLOCK_RAMP_MS);
    return await timeNorms(device, work, RUNS);
  } finally {
    device.destroy();
  }
};
Object.assign(globalThis, { tabmeshBench });
