/**
 * From the residual stream to token ids: output norm, head, sampling. Only on the last stage, only for
 * rows whose next token is requested.
 */
import {
  EPILOGUES,
  packSamples,
  rmsNormKernel,
  sampleBufferBytes,
  type SampleKernelName,
  sampleKernels,
  type SampleParams,
  samplePasses,
  type StepParams,
  type Weights,
} from "../kernels/index.ts";
import type { ModelDescription } from "../model/index.ts";
import type { BoundKernel } from "./gpu-resources.ts";
import { planProduct, type MatContext, type Recorded } from "./layer-plan.ts";
import type { SampleRequest } from "./types.ts";

export type SamplePlanOptions = {
  readonly context: MatContext;
  readonly model: ModelDescription;
  readonly step: GPUBuffer;
  readonly x: GPUBuffer;
  readonly norm: GPUBuffer;
  readonly head: Weights;
  readonly maxSamples: number;
};

export type SamplePlan = {
  readonly result: GPUBuffer;
  /** The head's products with other variants, for `adopt`. */
  planHead(context: MatContext): Promise<Recorded>;
  /** Runs the products without rows: some drivers compile a pipeline when it first runs. */
  recordOnce(pass: GPUComputePassEncoder, head: Recorded): void;
  adopt(head: Recorded): void;
  /** Writes the parameters of these samples and returns the recording of their dispatches. */
  prepare(
    samples: readonly SampleParams[],
  ): (pass: GPUComputePassEncoder, params: StepParams) => void;
};

export async function planSampling(options: SamplePlanOptions): Promise<SamplePlan> {
  const { context, model, step, x, maxSamples } = options;
  const { resources, variants } = context;
  const { hidden, vocabulary, normEpsilon } = model;
  const shape = { vocabulary, chunks: variants.sampleChunks };
  const bytes = sampleBufferBytes(shape, maxSamples);
  const storage = (name: keyof typeof bytes) => resources.storage(`sample ${name}`, bytes[name]);
  const buffers = {
    requests: storage("requests"),
    recent: storage("recent"),
    logits: storage("logits"),
    chunks: storage("chunks"),
    states: storage("states"),
    histogram: storage("histogram"),
    result: storage("result"),
  };
  const normed = resources.storage("normed", maxSamples * hidden * 4);
  // The head's products read the number of rows from the first word of their own uniform.
  const count = resources.uniform("samples", 16);
  const planHead = (newest: MatContext) =>
    planProduct(newest, {
      weights: options.head,
      step: count,
      inputs: { float: { kind: "float", x: normed } },
      rounding: { decode: false, prefill: false },
      maxRows: maxSamples,
      epilogue: EPILOGUES.store,
      epilogueBuffers: [buffers.logits],
      outputStride: vocabulary,
    });
  const bindSampling = async (): Promise<ReadonlyMap<string, BoundKernel<StepParams>>> => {
    const bound = [step, ...Object.values(buffers)];
    const entries = Object.entries(sampleKernels(shape)).map(async ([name, kernel]) => {
      const compiled = await resources.compile(kernel);
      return [name, resources.bind(kernel, compiled, bound)] as const;
    });
    return new Map(await Promise.all(entries));
  };
  const normKernel = rmsNormKernel({
    columns: hidden,
    epsilon: normEpsilon,
    of: "samples",
  });
  const [kernels, compiledNorm, firstHead] = await Promise.all([
    bindSampling(),
    resources.compile(normKernel),
    planHead(context),
  ]);
  const norm = resources.bind(normKernel, compiledNorm, [step, x, options.norm, normed]);
  const record = (name: SampleKernelName, pass: GPUComputePassEncoder, params: StepParams) =>
    kernels.get(name)!.record(pass, params);
  let head: Recorded = firstHead;
  return {
    result: buffers.result,
    planHead,
    recordOnce(pass, newHead) {
      resources.write(count, new Uint32Array(4));
      newHead.record(pass, { rows: 1, workload: "decode" });
      newHead.record(pass, { rows: 2, workload: "batch" });
    },
    adopt(newHead) {
      head = newHead;
    },
    prepare(samples) {
      const { requests, recent } = packSamples(samples);
      const rows = samples.length;
      resources.write(count, Uint32Array.of(rows, 0, 0, 0));
      resources.write(buffers.requests, requests);
      if (recent.length > 0) resources.write(buffers.recent, recent);
      const passes = samplePasses(samples, vocabulary);
      return (pass, params) => {
        norm.record(pass, params);
        head.record(pass, { rows, workload: rows === 1 ? "decode" : "batch" });
        for (const name of passes) record(name, pass, params);
      };
    },
  };
}

/** A request as the kernels take it. */
export function sampleParams({ sampling, random, recentTokens }: SampleRequest): SampleParams {
  const { penaltyTokens } = sampling;
  return {
    ...sampling,
    random,
    recentTokens: penaltyTokens === 0 ? new Uint32Array() : recentTokens.slice(-penaltyTokens),
  };
}
