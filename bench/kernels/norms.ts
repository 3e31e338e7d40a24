/** In the browser: times the kernels that prepare the input of a product, and keeps a GPU busy. */
import {
  bind,
  compile,
  dispatch,
  type Kernel,
  quantizeKernel,
  rmsNormKernel,
  shaderFeatures,
  STEP_BYTES,
  timeOf,
  upload,
} from "../../src/kernels/index.ts";
import type { NormCase, Timing } from "./cases.ts";

const EPSILON = 1e-5;

type Recording = (pass: GPUComputePassEncoder) => unknown;

function buffersOf(device: GPUDevice, { columns, tokens }: NormCase) {
  const step = new Uint32Array(STEP_BYTES / 4);
  step.set([tokens, 0, 1, 1]);
  return {
    step: upload(device, step, GPUBufferUsage.UNIFORM),
    x: upload(
      device,
      Float32Array.from({ length: tokens * columns }, () => Math.random() - 0.5),
    ),
    weight: upload(device, new Float32Array(columns).fill(1)),
    out: upload(device, { output: tokens * columns }),
    quants: upload(device, { output: (tokens * columns) / 4 }),
    scales: upload(device, { output: (tokens * columns) / 16 }),
  };
}

async function norms(device: GPUDevice, work: NormCase): Promise<Record<string, Recording>> {
  const { columns, tokens } = work;
  const { step, x, weight, out, quants, scales } = buffersOf(device, work);
  const features = shaderFeatures(device);
  const recording = async <Params>(
    kernel: Omit<Kernel<Params>, "packParams">,
    params: Params,
    buffers: GPUBuffer[],
  ): Promise<Recording> => {
    const compiled = await compile(device, kernel);
    const group = bind(device, compiled, buffers);
    return (pass) => dispatch(pass, compiled, group, kernel.workgroups(params));
  };
  const quantize = (norm: boolean) => {
    const kernel = quantizeKernel({ columns, epsilon: norm ? EPSILON : null }, features);
    const weights = norm ? [weight] : [];
    return recording(kernel, { rows: tokens }, [x, ...weights, quants, scales]);
  };
  const shape = { columns, epsilon: EPSILON, of: "rows" } as const;
  const rows = Array.from({ length: tokens }, () => ({ sequence: 0, position: 0, token: 0 }));
  const params = { rows, samples: [], splits: 1, splitPositions: 1 };
  const [normed, both, plain] = await Promise.all([
    recording(rmsNormKernel(shape, features), params, [step, x, weight, out]),
    quantize(true),
    quantize(false),
  ]);
  return { rms_norm: normed, "norm and quantize": both, quantize: plain };
}

export async function timeNorms(device: GPUDevice, work: NormCase, runs: number) {
  const start = performance.now();
  const recordings = Object.entries(await norms(device, work));
  const compileMs = performance.now() - start;
  const timings: Timing[] = [];
  for (const [variant, record] of recordings) {
    const microseconds = (await timeOf(device, record, { runs })) * 1e3;
    const rest = { macs: 0, weightBytes: 0, isChosen: true };
    timings.push({ variant, compileMs, microseconds, ...rest });
  }
  return timings;
}

/** Runs something for so long, so that the clocks rise. */
export async function keepBusy(device: GPUDevice, ms: number): Promise<void> {
  const { rms_norm: record } = await norms(device, { kind: "norms", columns: 4096, tokens: 512 });
  const end = performance.now() + ms;
  while (performance.now() < end) await timeOf(device, record!, { runs: 1 });
}
