/**
 * The commands of a shard's steps. They depend only on a step's shape: what changes from token to token
 * is in buffers that are written before the submit. So the next step can be encoded before its rows
 * are known, while the stage waits for them.
 */
import type { StepParams } from "../kernels/index.ts";
import type { AttentionPlan } from "./attention-plan.ts";
import type { BoundKernel, GpuResources } from "./gpu-resources.ts";
import type { LayerPlan } from "./layer-plan.ts";
import type { SamplePlan } from "./sample-plan.ts";

export type StepPlan = {
  readonly resources: GpuResources;
  readonly embeddings: readonly BoundKernel<StepParams>[];
  readonly layers: readonly LayerPlan[];
  readonly attention: AttentionPlan;
  readonly sample: SamplePlan | null;
};

/** Steps with equal keys have the same commands. */
function keyOf({ rows, samples, splits }: StepParams, parts: number): string {
  return [rows.length, samples.length, splits, isFused(rows), parts].join();
}

export class StepCommands {
  #plan: StepPlan;
  /** Of the last step, and of the one before. */
  #last: { readonly params: StepParams; readonly key: string; readonly keyBefore: string } | null =
    null;
  /** Encoded, and not submitted. */
  #ahead: { readonly key: string; readonly parts: readonly GPUCommandEncoder[] } | null = null;

  constructor(plan: StepPlan) {
    this.#plan = plan;
  }

  /** Other layers from the next step on. Call it also when the head changes. */
  adopt(layers: readonly LayerPlan[]): void {
    this.#plan = { ...this.#plan, layers };
    this.#ahead = null;
  }

  /** What the kernels of a step take. The cache grows to hold its rows. */
  params(rows: StepParams["rows"], samples: readonly number[]): StepParams {
    const { attention } = this.#plan;
    const longest = Math.max(...rows.map(({ position }) => position + 1));
    if (attention.reach(longest)) this.#ahead = null;
    return { rows, samples, ...attention.splits(rows.length, longest, isFused(rows)) };
  }

  /**
   * The commands of a step in at most so many parts, encoded ahead or now: `onPart` gets each part but
   * the last, which is returned. With `pass`, the descriptor of its pass, a step is encoded now.
   */
  encode(
    params: StepParams,
    parts: number,
    pass: GPUComputePassDescriptor | undefined,
    onPart: (part: GPUCommandEncoder) => void,
  ): GPUCommandEncoder {
    const key = keyOf(params, parts);
    this.#last = { params, key, keyBefore: this.#last?.key ?? "" };
    if (pass !== undefined || this.#ahead?.key !== key) {
      return this.#encode(params, parts, pass, onPart);
    }
    const { parts: encoded } = this.#ahead;
    this.#ahead = null;
    for (const part of encoded.slice(0, -1)) onPart(part);
    return encoded.at(-1)!;
  }

  /**
   * Encodes a step like the last two, if those were alike and had one row of each sequence, and the
   * context has room for it.
   */
  encodeAhead(parts: number, contextTokens: number): void {
    const last = this.#last;
    if (last === null || last.key !== last.keyBefore || !isFused(last.params.rows)) return;
    const rows = last.params.rows.map((row) => ({ ...row, position: row.position + 1 }));
    if (rows.some(({ position }) => position >= contextTokens)) return;
    const params = this.params(rows, last.params.samples);
    const key = keyOf(params, parts);
    if (this.#ahead?.key === key) return;
    const encoded: GPUCommandEncoder[] = [];
    encoded.push(this.#encode(params, parts, undefined, (part) => encoded.push(part)));
    this.#ahead = { key, parts: encoded };
    // Chromium passes on what was encoded only with a submit.
    this.#plan.resources.device.queue.submit([]);
  }

  #encode(
    params: StepParams,
    parts: number,
    firstPass: GPUComputePassDescriptor | undefined,
    onPart: (part: GPUCommandEncoder) => void,
  ): GPUCommandEncoder {
    const { resources, embeddings, layers, attention, sample } = this.#plan;
    const rows = params.rows.length;
    const fused = isFused(params.rows);
    const workload = fused ? (rows === 1 ? "decode" : "batch") : "prefill";
    const work = { rows, workload } as const;
    const layersPerPart = Math.ceil(layers.length / parts);
    let encoder = resources.device.createCommandEncoder();
    let pass = encoder.beginComputePass(firstPass);
    for (const embedding of embeddings) embedding.record(pass, params);
    layers.forEach((layer, i) => {
      if (i > 0 && i % layersPerPart === 0) {
        pass.end();
        onPart(encoder);
        encoder = resources.device.createCommandEncoder();
        pass = encoder.beginComputePass();
      }
      layer.queryKeyValue.record(pass, work);
      attention.record(pass, i, params, fused);
      for (const part of layer.afterAttention) part.record(pass, work);
    });
    if (params.samples.length > 0) sample!.record(pass, params);
    pass.end();
    return encoder;
  }
}

/** No two rows are of one sequence. */
function isFused(rows: StepParams["rows"]): boolean {
  return new Set(rows.map(({ sequence }) => sequence)).size === rows.length;
}
