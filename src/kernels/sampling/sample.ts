/**
 * Sampling on the GPU in two dispatches: the host code of the sample-*.wgsl kernels. They share one
 * bind group; a token id, 4 bytes, comes back.
 *
 *   chunks   the largest logit of each of many small parts of the vocabulary
 *   choose   one workgroup for each sample: the most probable tokens, penalties, top-k, top-p, min-p,
 *            temperature, draw; what the chunks rule out is never looked at
 *
 * The order is llama.cpp's default chain. Works for any number of samples with different settings.
 */
import type { Sampling, TokenProbability } from "../../shared/index.ts";
import type { Kernel } from "../core/runner.ts";
import chooseWgsl from "./sample-choose.wgsl?raw";
import chunksWgsl from "./sample-chunks.wgsl?raw";
import commonWgsl from "./sample-common.wgsl?raw";
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
/** Threads of a workgroup of chunks. */
const PARTS = 32;
/** Workgroups of chunks: with fewer, the widest GPU that was measured has idle cores. */
const MIN_SPANS = 132;
const MIN_CHUNK_TOKENS = 4;
const CHUNK_BYTES = 16;
/** Logits that are listed to choose from; where more may be kept, all are looked at. */
const LIST = 4096;

/** With fewer, flat distributions exceed the 65,535 loop iterations after which llvmpipe ends a thread's loops. */
const CHOOSING_THREADS = 256;

/** One row of logits and how its token is chosen. */
export type SampleParams = Omit<Sampling, "penaltyTokens" | "seed"> & {
  /** In [0, 1). */
  readonly random: number;
  /** Empty without penalties. */
  readonly recentTokens: Uint32Array;
};

/** Tokens of a workgroup of chunks, and how many of them there are. */
function spansOf(vocabulary: number) {
  const tokens = Math.floor(vocabulary / PARTS / MIN_SPANS);
  const span = PARTS * Math.max(MIN_CHUNK_TOKENS, tokens);
  return { span, spans: Math.ceil(vocabulary / span) };
}

/** In this order. Bindings: 1 requests, 2 recent, 3 logits, 4 chunks, 5 list, 6 result. */
export function sampleKernels(vocabulary: number): Kernel<StepParams>[] {
  const { span, spans } = spansOf(vocabulary);
  const values = {
    VOCABULARY: vocabulary,
    PARTS,
    SPAN: span,
    SPANS: spans,
    LIST,
    TOP: MAX_TOP_LOGPROBS,
    MAX_SAMPLES,
    WG: CHOOSING_THREADS,
  };
  const kernel = (name: string, template: string, groups: number): Kernel<StepParams> => ({
    name: `sample_${name}`,
    wgsl: expandTemplate(template, values, { common: commonWgsl, step: STEP_WGSL }),
    packParams: packStep,
    workgroups: ({ samples }) => [samples.length * groups, 1, 1],
  });
  return [kernel("chunks", chunksWgsl, spans), kernel("choose", chooseWgsl, 1)];
}

export function hasPenalties(sample: SampleParams): boolean {
  const { repetitionPenalty, presencePenalty, frequencyPenalty, recentTokens } = sample;
  const changes = repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0;
  return changes && recentTokens.length > 0;
}

/** Bytes of the buffers in the order of their bindings, for the most samples of a step. */
export function sampleBufferBytes(vocabulary: number, samples: number) {
  return {
    requests: samples * REQUEST_WORDS * 4,
    recent: samples * MAX_RECENT_TOKENS * RECENT_WORDS * 4,
    logits: samples * vocabulary * 4,
    chunks: samples * spansOf(vocabulary).spans * PARTS * CHUNK_BYTES,
    list: samples * LIST * 8,
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
  /** `NO_TOKEN`, which is not below the vocabulary's size, if the logits are not finite. */
  readonly token: number;
  /** Natural logarithm of its probability before sampling changed it; null unless requested. */
  readonly logprob: number | null;
  readonly top: readonly TokenProbability[]; // most probable first
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
