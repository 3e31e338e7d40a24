/**
 * Sampling on the GPU: the host code of the sample-*.wgsl kernels. They share one
 * bind group and run in this order; a token id, 4 bytes, comes back.
 *
 *   list probabilities   best + join with RAW, once for each entry      (when requested)
 *   penalties            penalize                                       (when any)
 *   largest logit        best + join
 *   threshold            histogram + select, 4 times for top-k and 4 for top-p: a radix
 *                        search over the logits' bits, exact for any vocabulary and k
 *   draw                 mass + draw
 *
 * The order is llama.cpp's default chain: penalties, top-k, top-p, min-p,
 * temperature, draw. Works for any number of samples with different settings;
 * which dispatches a step needs is `samplePasses`.
 */
import type { Kernel } from "../core/runner.ts";
import bestWgsl from "./sample-best.wgsl?raw";
import commonWgsl from "./sample-common.wgsl?raw";
import drawWgsl from "./sample-draw.wgsl?raw";
import histogramWgsl from "./sample-histogram.wgsl?raw";
import joinWgsl from "./sample-join.wgsl?raw";
import massWgsl from "./sample-mass.wgsl?raw";
import penalizeWgsl from "./sample-penalize.wgsl?raw";
import selectWgsl from "./sample-select.wgsl?raw";
import { MAX_SAMPLES, packStep, STEP_WGSL, type StepParams } from "../core/step-uniform.ts";
import { expandTemplate } from "../core/template.ts";

/** The most entries of a list of probabilities. */
export const MAX_TOP_LOGPROBS = 20;
/** The most recent tokens that penalties of one sample look at. */
export const MAX_RECENT_TOKENS = 1024;
/** Instead of a token where the largest logit is NaN or infinite. */
export const NO_TOKEN = 0xffff_ffff;
const DETAIL_WORDS = 2 + 2 * MAX_TOP_LOGPROBS;
const REQUEST_WORDS = 12;
const RECENT_WORDS = 4;
const STATE_BYTES = 14 * 4;
const CHUNK_BYTES = 16;
const HISTOGRAM_BYTES = 256 * 8;

export type SampleShape = {
  readonly vocabulary: number;
  /** Threads that share a row of logits. */
  readonly chunks: number;
};

/** One row of logits and how its token is chosen. */
export type SampleParams = {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  readonly topLogprobs: number;
  /** In [0, 1). */
  readonly random: number;
  /** Empty without penalties. */
  readonly recentTokens: Uint32Array;
};

export type SampleKernelName =
  "rawBest" | "rawJoin" | "penalize" | "best" | "join" | "histogram" | "select" | "mass" | "draw";

/** All kernels; bindings 1 requests, 2 recent, 3 logits, 4 chunks, 5 states, 6 histogram, 7 result. */
export function sampleKernels(shape: SampleShape): Record<SampleKernelName, Kernel<StepParams>> {
  const values = {
    VOCABULARY: shape.vocabulary,
    CHUNKS: shape.chunks,
    TOP: MAX_TOP_LOGPROBS,
    MAX_SAMPLES,
  };
  const chunked = ({ samples }: StepParams) =>
    [Math.ceil((samples.length * shape.chunks) / 64), 1, 1] as const;
  const kernel = (
    name: string,
    template: string,
    workgroups: Kernel<StepParams>["workgroups"],
    constants = {},
  ): Kernel<StepParams> => ({
    name: `sample_${name}`,
    wgsl: expandTemplate(template, values, { common: commonWgsl, step: STEP_WGSL }),
    constants,
    packParams: packStep,
    workgroups,
  });
  const once = () => [1, 1, 1] as const;
  return {
    rawBest: kernel("best", bestWgsl, chunked, { RAW: 1 }),
    rawJoin: kernel("join", joinWgsl, once, { RAW: 1 }),
    penalize: kernel("penalize", penalizeWgsl, ({ samples }) => [
      Math.ceil((samples.length * MAX_RECENT_TOKENS) / 64),
      1,
      1,
    ]),
    best: kernel("best", bestWgsl, chunked, { RAW: 0 }),
    join: kernel("join", joinWgsl, once, { RAW: 0 }),
    histogram: kernel("histogram", histogramWgsl, chunked),
    select: kernel("select", selectWgsl, ({ samples }) => [samples.length, 1, 1]),
    mass: kernel("mass", massWgsl, chunked),
    draw: kernel("draw", drawWgsl, once),
  };
}

/** The dispatches that these samples need, in order. */
export function samplePasses(
  samples: readonly SampleParams[],
  vocabulary: number,
): SampleKernelName[] {
  const passes: SampleKernelName[] = [];
  const listed = Math.max(0, ...samples.map(({ topLogprobs }) => topLogprobs));
  for (let i = 0; i < listed; i++) passes.push("rawBest", "rawJoin");
  if (samples.some(hasPenalties)) passes.push("penalize");
  passes.push("best", "join");
  const drawn = samples.filter(({ temperature }) => temperature > 0);
  const levels = Math.max(
    0,
    ...drawn.map(({ topK, topP }) => (topK > 0 && topK < vocabulary ? 4 : 0) + (topP < 1 ? 4 : 0)),
  );
  for (let i = 0; i < levels; i++) passes.push("histogram", "select");
  if (drawn.length > 0) passes.push("mass");
  passes.push("draw");
  return passes;
}

export function hasPenalties(sample: SampleParams): boolean {
  const { repetitionPenalty, presencePenalty, frequencyPenalty, recentTokens } = sample;
  const changes = repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0;
  return changes && recentTokens.length > 0;
}

/** Bytes of the buffers, for the most samples of a step. */
export function sampleBufferBytes(shape: SampleShape, samples: number) {
  return {
    requests: samples * REQUEST_WORDS * 4,
    recent: samples * MAX_RECENT_TOKENS * RECENT_WORDS * 4,
    logits: samples * shape.vocabulary * 4,
    chunks: samples * shape.chunks * CHUNK_BYTES,
    states: samples * STATE_BYTES,
    histogram: samples * shape.chunks * HISTOGRAM_BYTES,
    result: (MAX_SAMPLES + samples * DETAIL_WORDS) * 4,
  };
}

/** The bytes of `requests`, and of `recent`: the distinct recent tokens of all samples. */
export function packSamples(samples: readonly SampleParams[]): {
  requests: Uint32Array<ArrayBuffer>;
  recent: Uint32Array<ArrayBuffer>;
} {
  const requests = new Uint32Array(samples.length * REQUEST_WORDS);
  const floats = new Float32Array(requests.buffer);
  const recent: number[] = [];
  samples.forEach((sample, i) => {
    const first = recent.length / RECENT_WORDS;
    const counts = hasPenalties(sample)
      ? countTokens(sample.recentTokens)
      : new Map<number, number>();
    for (const [token, count] of counts) recent.push(i, token, count, 0);
    const at = i * REQUEST_WORDS;
    floats[at] = sample.temperature;
    requests[at + 1] = sample.topK;
    floats[at + 2] = sample.topP;
    floats[at + 3] = sample.minP > 0 ? Math.log(sample.minP) : -3e38;
    floats[at + 4] = sample.repetitionPenalty;
    floats[at + 5] = sample.presencePenalty;
    floats[at + 6] = sample.frequencyPenalty;
    floats[at + 7] = sample.random;
    requests.set([first, counts.size, Math.min(sample.topLogprobs, MAX_TOP_LOGPROBS)], at + 8);
  });
  return { requests, recent: Uint32Array.from(recent) };
}

/** How often each of the newest `MAX_RECENT_TOKENS` tokens occurs. */
export function countTokens(tokens: Uint32Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (const token of tokens.subarray(-MAX_RECENT_TOKENS)) {
    counts.set(token, (counts.get(token) ?? 0) + 1);
  }
  return counts;
}

export type SampleOutcome = {
  /** `NO_TOKEN` if the logits are not finite. */
  readonly token: number;
  readonly logprob: number | null;
  readonly top: readonly { readonly token: number; readonly logprob: number }[];
};

/** Bytes of `result` that must be read back: only tokens, unless probabilities were requested. */
export function resultBytes(samples: readonly SampleParams[]): number {
  const listed = samples.some(({ topLogprobs }) => topLogprobs > 0);
  return listed ? (MAX_SAMPLES + samples.length * DETAIL_WORDS) * 4 : samples.length * 4;
}

/** The contents of `result`. */
export function unpackResult(
  bytes: ArrayBuffer,
  samples: readonly SampleParams[],
): SampleOutcome[] {
  const words = new Uint32Array(bytes);
  const floats = new Float32Array(bytes);
  return samples.map(({ topLogprobs }, i) => {
    const token = words[i]!;
    if (topLogprobs === 0) return { token, logprob: null, top: [] };
    const at = MAX_SAMPLES + i * DETAIL_WORDS;
    const top = Array.from({ length: Math.min(topLogprobs, words[at + 1]!) }, (_, entry) => ({
      token: words[at + 2 + 2 * entry]!,
      logprob: floats[at + 3 + 2 * entry]!,
    }));
    return { token, logprob: floats[at]!, top };
  });
}
