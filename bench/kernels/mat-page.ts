/**
 * In the browser: times the variants of the matrix kernels on given shapes, or counts what
 * they ask of memory. `measureMat` and `countMat` are put on the window for the driver (main.ts).
 */
import type { BlockFormat } from "../../src/tensor/block-format.ts";
import { randomBlocks } from "../../src/tensor/random-blocks.ts";
import { EPILOGUES, planMat, type Activations, type MatInput } from "../../src/kernels/mat.ts";
import { variantName, type MatVariant } from "../../src/kernels/mat-source.ts";
import { matCandidates, type Workload } from "../../src/kernels/mat-variants.ts";
import { requestKernelDevice, shaderFeatures } from "../../src/kernels/runner-device.ts";
import { upload } from "../../src/kernels/runner-once.ts";
import { timeOf } from "../../src/kernels/tune-clock.ts";
import { traffic, type Traffic } from "./traffic.ts";
import { createWeights, destroyWeights, writeRows } from "../../src/kernels/weights.ts";

export type MatCase = {
  readonly format: BlockFormat;
  readonly rows: number;
  readonly columns: number;
  readonly tokens: number;
  readonly workload: Workload;
  readonly activations: Activations;
  /** Instead of the workload's own candidates. */
  readonly variants?: readonly MatVariant[];
};

export type MatTiming = {
  readonly variant: string;
  readonly compileMs: number;
  /** Multiply-accumulates per second, in 1e9; the fastest of several runs. */
  readonly gigaMacs: number;
};

/** Runs of each variant; the fastest counts, since other work on the machine only slows. */
const RUNS = 7;

async function measureMat(work: MatCase): Promise<MatTiming[]> {
  const nudge = navigator.userAgent.includes("Firefox"); // only the clock depends on it
  const device = await requestKernelDevice();
  const { format, rows, columns, tokens, workload, activations } = work;
  const weights = createWeights(device, format, rows, columns);
  writeRows(device, weights, 0, [randomBlocks(format, rows * columns, Math.random)]);
  const input = randomInput(device, activations, tokens * columns);
  const step = upload(device, new Uint32Array([tokens, 0, 0, 0]), GPUBufferUsage.UNIFORM);
  const out = upload(device, { output: rows * tokens });
  const timings: MatTiming[] = [];
  const candidates = work.variants ?? matCandidates(workload, activations, shaderFeatures(device));
  for (const variant of candidates) {
    const start = performance.now();
    const plan = await planMat(
      device,
      {
        weights,
        step,
        x: input,
        epilogue: EPILOGUES.store,
        epilogueBuffers: [out],
        outputStride: rows,
      },
      { steps: [{ upTo: Infinity, variant }] },
    );
    const compileMs = performance.now() - start;
    const record = (pass: GPUComputePassEncoder) => plan.record(pass, tokens);
    const best = await timeOf(device, record, { runs: RUNS, nudge });
    timings.push({
      variant: variantName(variant),
      compileMs,
      gigaMacs: (rows * columns * tokens) / best / 1e6,
    });
  }
  destroyWeights(weights);
  device.destroy();
  return timings;
}

function randomInput(device: GPUDevice, activations: Activations, count: number): MatInput {
  const values = Float32Array.from({ length: count }, () => Math.random() - 0.5);
  if (activations === "float") return { kind: "float", x: upload(device, values) };
  return {
    kind: "int8",
    x: upload(device, Int8Array.from(values, (value) => value * 254) as unknown as Uint8Array),
    scales: upload(device, Float32Array.from({ length: count / 16 }, Math.random)),
  };
}

export type CountedMat = Traffic & { readonly variant: string };

async function countMat(work: MatCase): Promise<CountedMat[]> {
  const device = await requestKernelDevice();
  const { workload, activations, format } = work;
  const counted: CountedMat[] = [];
  for (const variant of matCandidates(workload, activations, shaderFeatures(device), format)) {
    counted.push({ variant: variantName(variant), ...(await traffic(device, work, variant)) });
  }
  device.destroy();
  return counted;
}

declare global {
  interface Window {
    measureMat: typeof measureMat;
    countMat: typeof countMat;
  }
}
window.measureMat = measureMat;
window.countMat = countMat;
