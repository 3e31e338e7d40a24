/**
 * From the residual stream to token ids: output norm, head, sampling. Only on the last stage, only for
 * rows whose next token is requested.
 */
import {
  EPILOGUES,
  packSamples,
  resultBytes,
  rmsNormKernel,
  sampleBufferBytes,
  type SampleKernelName,
  sampleKernels,
  type SampleOutcome,
  type SampleParams,
  samplePasses,
  type StepParams,
  unpackResult,
  type Weights,
} from "../kernels/index.ts";
import type { ModelDescription } from "../model/index.ts";
import type { BoundKernel, GpuResources } from "./gpu-resources.ts";
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

const KERNELS: readonly SampleKernelName[] = [
  "rawBest",
  "rawJoin",
  "penalize",
  "best",
  "join",
  "histogram",
  "select",
  "mass",
  "draw",
];

export class SamplePlan {
  readonly result: GPUBuffer;
  readonly maxResultBytes: number;
  readonly #resources: GpuResources;
  readonly #vocabulary: number;
  readonly #count: GPUBuffer;
  readonly #requests: GPUBuffer;
  readonly #recent: GPUBuffer;
  readonly #norm: BoundKernel<StepParams>;
  readonly #planHead: (context: MatContext) => Promise<Recorded>;
  #head: Recorded;
  readonly #kernels: ReadonlyMap<SampleKernelName, BoundKernel<StepParams>>;

  private constructor(parts: {
    resources: GpuResources;
    vocabulary: number;
    buffers: Record<string, GPUBuffer>;
    norm: BoundKernel<StepParams>;
    head: Recorded;
    planHead: (context: MatContext) => Promise<Recorded>;
    kernels: ReadonlyMap<SampleKernelName, BoundKernel<StepParams>>;
  }) {
    this.#resources = parts.resources;
    this.#vocabulary = parts.vocabulary;
    this.#count = parts.buffers["count"]!;
    this.#requests = parts.buffers["requests"]!;
    this.#recent = parts.buffers["recent"]!;
    this.result = parts.buffers["result"]!;
    this.maxResultBytes = this.result.size;
    this.#norm = parts.norm;
    this.#head = parts.head;
    this.#planHead = parts.planHead;
    this.#kernels = parts.kernels;
  }

  static async create(options: SamplePlanOptions): Promise<SamplePlan> {
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
    const bound = [step, ...Object.values(buffers)];
    const kernels = sampleKernels(shape);
    const norm = rmsNormKernel({ columns: hidden, epsilon: normEpsilon });
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
    const [entries, normCompiled, head] = await Promise.all([
      Promise.all(
        KERNELS.map(async (name) => {
          const compiled = await resources.compile(kernels[name]);
          return [name, resources.bind(kernels[name], compiled, bound)] as const;
        }),
      ),
      resources.compile(norm),
      planHead(context),
    ]);
    return new SamplePlan({
      resources,
      vocabulary,
      buffers: { ...buffers, count },
      norm: resources.bind(norm, normCompiled, [step, x, options.norm, normed]),
      head,
      planHead,
      kernels: new Map(entries),
    });
  }

  /** The head's products with other variants, for `adopt`. */
  planHead(context: MatContext): Promise<Recorded> {
    return this.#planHead(context);
  }

  /** Runs the products without rows: some drivers compile a pipeline when it first runs. */
  recordOnce(pass: GPUComputePassEncoder, head: Recorded): void {
    this.#resources.write(this.#count, new Uint32Array(4));
    head.record(pass, { rows: 1, workload: "decode" });
    head.record(pass, { rows: 2, workload: "batch" });
  }

  adopt(head: Recorded): void {
    this.#head = head;
  }

  /** Writes the parameters of these samples and returns the recording of their dispatches. */
  prepare(
    samples: readonly SampleParams[],
  ): (pass: GPUComputePassEncoder, params: StepParams) => void {
    const { requests, recent } = packSamples(samples);
    this.#resources.write(this.#count, Uint32Array.of(samples.length, 0, 0, 0));
    this.#resources.write(this.#requests, requests);
    if (recent.length > 0) this.#resources.write(this.#recent, recent);
    const passes = samplePasses(samples, this.#vocabulary);
    return (pass, params) => {
      this.#norm.record(pass, params);
      const rows = samples.length;
      this.#head.record(pass, { rows, workload: rows === 1 ? "decode" : "batch" });
      for (const name of passes) this.#kernels.get(name)!.record(pass, params);
    };
  }

  static readonly bytes = resultBytes;
  static readonly unpack: (
    bytes: ArrayBuffer,
    samples: readonly SampleParams[],
  ) => SampleOutcome[] = unpackResult;
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
