/**
 * From the residual stream to token ids: output norm, head, sampling. Only on the last stage, only for
 * rows whose next token is requested.
 */
import {
  EPILOGUES,
  packSamples,
  rmsNormKernel,
  sampleBufferBytes,
  sampleKernels,
  type SampleParams,
  shaderFeatures,
  type StepParams,
  type Weights,
} from "../kernels/index.ts";
import type { ModelDescription } from "../model/index.ts";
import { type LayerBuffers, planStage, type MatContext, type Recorded } from "./layer-plan.ts";

export type SamplePlan = Awaited<ReturnType<typeof planSampling>>;

export async function planSampling(
  context: MatContext,
  model: ModelDescription,
  { step, x }: Pick<LayerBuffers, "step" | "x">,
  outputNorm: GPUBuffer,
  weights: Weights,
  maxSamples: number,
) {
  const { resources } = context;
  const { hidden, vocabulary, normEpsilon } = model;
  const sizes = Object.entries(sampleBufferBytes(vocabulary, maxSamples));
  const buffers = Object.fromEntries(
    sizes.map(([name, bytes]) => [name, resources.storage(`sample ${name}`, bytes)]),
  ) as Record<keyof ReturnType<typeof sampleBufferBytes>, GPUBuffer>;
  const normed = resources.storage("normed", maxSamples * hidden * 4);
  // The head's products read the number of rows from the first word of their own uniform.
  const count = resources.uniform("samples", 16);
  const inputs = {
    ...{ step: count, normed },
    quants: resources.storage("head quants", maxSamples * hidden),
    scales: resources.storage("head scales", (maxSamples * hidden) / 4),
  };
  const planHead = (newest: MatContext) => {
    const epilogueBuffers = [buffers.logits];
    const product = { epilogue: EPILOGUES.store, epilogueBuffers, outputStride: vocabulary };
    return planStage(
      newest,
      inputs,
      { x: normed, norm: null },
      { decode: newest.variants.norms === "separate", prefill: false },
      [{ ...product, weights }],
      maxSamples,
    );
  };
  const norms = { columns: hidden, epsilon: normEpsilon, of: "samples" } as const;
  const [kernels, bindNorm, firstHead] = await Promise.all([
    Promise.all(
      sampleKernels(vocabulary).map(async (kernel) => {
        const bind = await resources.compile(kernel);
        return bind([step, ...Object.values(buffers)]);
      }),
    ),
    resources.compile(rmsNormKernel(norms, shaderFeatures(resources.device))),
    planHead(context),
  ]);
  const norm = bindNorm([step, x, outputNorm, normed]);
  let head = firstHead;
  return {
    result: buffers.result,
    /** The head's products with other variants, for `adopt`. */
    planHead,
    /** Runs the products without rows: some drivers compile a pipeline when it first runs. */
    recordOnce(pass: GPUComputePassEncoder, newHead: Recorded): void {
      resources.write(count, new Uint32Array(4));
      newHead.record(pass, { rows: 1, workload: "decode" });
      newHead.record(pass, { rows: 2, workload: "batch" });
    },
    adopt(newHead: Recorded): void {
      head = newHead;
    },
    /** The parameters of a step's samples, before it is submitted. */
    write(samples: readonly SampleParams[]): void {
      const { requests, recent } = packSamples(samples);
      resources.write(count, Uint32Array.of(samples.length, 0, 0, 0));
      resources.write(buffers.requests, requests);
      if (recent.length > 0) resources.write(buffers.recent, recent);
    },
    record(pass: GPUComputePassEncoder, params: StepParams): void {
      const rows = params.samples.length;
      norm.record(pass, params);
      head.record(pass, { rows, workload: rows === 1 ? "decode" : "batch" });
      for (const kernel of kernels) kernel.record(pass, params);
    },
  };
}
