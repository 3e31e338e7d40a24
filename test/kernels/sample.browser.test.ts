/** Sampling on the GPU against sorting in plain loops: each setting alone and together, several rows at once. */
import { describe, expect, test } from "vitest";
import {
  packSamples,
  NO_TOKEN,
  resultBytes,
  sampleBufferBytes,
  sampleKernels,
  unpackResult,
  type SampleParams,
} from "../../src/kernels/sampling/sample.ts";
import { sampleReference } from "../../src/kernels/sampling/sample-reference.ts";
import { bind, compile, dispatch } from "../../src/kernels/core/runner.ts";
import { packStep, STEP_BYTES } from "../../src/kernels/core/step-uniform.ts";
import { testDevice } from "../../tools/gpu/device.ts";
import { randomF32, randomSource } from "../../tools/gpu/random.ts";

const NEUTRAL: SampleParams = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  topLogprobs: 0,
  random: 0.5,
  recentTokens: new Uint32Array(),
};

/** One step that samples each row of logits with its own settings. */
async function sampleOnGpu(
  vocabulary: number,
  logits: Float32Array<ArrayBuffer>, // [samples, vocabulary]
  samples: readonly SampleParams[],
) {
  const device = await testDevice();
  const bytes = sampleBufferBytes(vocabulary, samples.length);
  const { STORAGE, UNIFORM, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;
  const make = (
    size: number,
    data: ArrayBuffer | Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>,
    usage = STORAGE,
  ) => {
    const rounded = Math.ceil(size / 16) * 16;
    const buffer = device.createBuffer({ size: rounded, usage: usage | COPY_DST | COPY_SRC });
    device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  };
  const empty = new ArrayBuffer(0);
  const { requests, recent } = packSamples(samples);
  const params = {
    rows: samples.map(() => ({ sequence: 0, position: 0, token: 0 })),
    samples: samples.map((_, i) => i),
    splits: 1,
    splitPositions: 1,
  };
  const result = make(bytes.result, new Uint32Array(bytes.result / 4).fill(0xffffffff));
  const buffers = [
    make(STEP_BYTES, packStep(params), UNIFORM),
    make(bytes.requests, requests),
    make(bytes.recent, recent),
    make(bytes.logits, logits),
    make(bytes.chunks, empty),
    make(bytes.list, empty),
    result,
  ];
  const kernels = await Promise.all(
    sampleKernels(vocabulary).map(async (kernel) => ({
      kernel,
      compiled: await compile(device, kernel),
    })),
  );
  expect(kernels.length).toBeLessThanOrEqual(2);
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const { kernel, compiled } of kernels) {
    dispatch(pass, compiled, bind(device, compiled, buffers), kernel.workgroups(params));
  }
  pass.end();
  const size = resultBytes(samples);
  const staging = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
  encoder.copyBufferToBuffer(result, 0, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const outcomes = unpackResult(staging.getMappedRange().slice(0), samples);
  for (const buffer of [...buffers, staging]) buffer.destroy();
  return outcomes;
}

function logitsOf(rows: number, vocabulary: number, seed: number): Float32Array<ArrayBuffer> {
  return randomF32(rows * vocabulary, seed).map((value) => value * 6);
}

const row = (logits: Float32Array, i: number, vocabulary: number) =>
  logits.subarray(i * vocabulary, (i + 1) * vocabulary);

const recentTokens = Uint32Array.of(1, 5, 5, 5, 40, 2, 1, 17);
const SETTINGS: readonly (Partial<SampleParams> & { name: string })[] = [
  { name: "greedy", temperature: 0 },
  { name: "everything kept" },
  { name: "hot", temperature: 3 },
  { name: "cold", temperature: 0.2 },
  { name: "top-k 1", topK: 1 },
  { name: "top-k 7", topK: 7, temperature: 2 },
  { name: "top-k beyond the vocabulary", topK: 1_000_000 },
  { name: "top-p 0.5", topP: 0.5, temperature: 2 },
  { name: "top-p 0", topP: 0 },
  { name: "min-p 0.2", minP: 0.2, temperature: 2 },
  { name: "top-k and top-p", topK: 20, topP: 0.7, temperature: 1.5 },
  { name: "all of llama.cpp's defaults", topK: 40, topP: 0.95, minP: 0.05, temperature: 0.8 },
  { name: "repetition", repetitionPenalty: 2, recentTokens, temperature: 0 },
  { name: "presence", presencePenalty: 2, recentTokens, topK: 5 },
  { name: "frequency", frequencyPenalty: 1.5, recentTokens, topP: 0.8 },
  {
    name: "all penalties, and listed",
    repetitionPenalty: 1.3,
    presencePenalty: -0.5,
    frequencyPenalty: 0.4,
    recentTokens,
    topLogprobs: 3,
  },
];

test.each([NaN, Infinity, -Infinity])("logits of %f give no token", async (value) => {
  const vocabulary = 1000;
  const samples = [{ temperature: 0 }, {}, { topK: 7, topP: 0.5 }].map((settings) => ({
    ...NEUTRAL,
    ...settings,
  }));
  const logits = new Float32Array(samples.length * vocabulary).fill(value);
  // The sample before it is not affected.
  logits.fill(1, 0, vocabulary).fill(2, 5, 6);
  const outcomes = await sampleOnGpu(vocabulary, logits, samples);
  expect(outcomes.map(({ token }) => token)).toEqual([5, NO_TOKEN, NO_TOKEN]);
  const row = logits.subarray(vocabulary, 2 * vocabulary);
  expect(sampleReference(row, samples[1]!).token).toBe(NO_TOKEN);
});

describe.each([61, 2500])("%d tokens", (vocabulary) => {
  test.each(SETTINGS)("$name", async (settings) => {
    const randoms = [0, 0.13, 0.37, 0.61, 0.88, 0.9999];
    const samples = randoms.map((random) => ({ ...NEUTRAL, ...settings, random }));
    const logits = logitsOf(samples.length, vocabulary, 3);
    const outcomes = await sampleOnGpu(vocabulary, logits.slice(), samples);
    outcomes.forEach((outcome, i) => {
      const expected = sampleReference(row(logits, i, vocabulary), samples[i]!);
      expect(outcome.token, `random ${randoms[i]}`).toBe(expected.token);
      expect(outcome.top.map(({ token }) => token)).toEqual(expected.top.map(({ token }) => token));
      if (expected.logprob !== null) expect(outcome.logprob).toBeCloseTo(expected.logprob, 4);
      outcome.top.forEach(({ logprob }, at) => {
        expect(logprob).toBeCloseTo(expected.top[at]!.logprob, 4);
      });
    });
  });
});

test("rows with different settings do not disturb each other", async () => {
  const samples = SETTINGS.map((settings, i) => ({ ...NEUTRAL, ...settings, random: i / 20 }));
  const logits = logitsOf(samples.length, 500, 9);
  const outcomes = await sampleOnGpu(500, logits.slice(), samples);
  outcomes.forEach((outcome, i) => {
    const expected = sampleReference(row(logits, i, 500), samples[i]!);
    expect(outcome.token, SETTINGS[i]!.name).toBe(expected.token);
  });
});

test.each([49_152, 151_936])("a vocabulary of %i, as models have", async (vocabulary) => {
  const samples = [
    { ...NEUTRAL, topP: 0.9, random: 0.7 },
    { ...NEUTRAL, topK: 1000, topP: 0.95, random: 0.31 },
    { ...NEUTRAL, temperature: 0, topLogprobs: 20 },
  ];
  // Spread as a model's are: few likely tokens, a long tail.
  const logits = logitsOf(3, vocabulary, 5).map((value) => value - Math.abs(value) ** 1.5);
  const outcomes = await sampleOnGpu(vocabulary, logits.slice(), samples);
  outcomes.forEach((outcome, i) => {
    const expected = sampleReference(row(logits, i, vocabulary), samples[i]!);
    expect(outcome.token).toBe(expected.token);
    expect(outcome.top.map(({ token }) => token)).toEqual(expected.top.map(({ token }) => token));
  });
});

test("equal logits: greedy and the thresholds prefer the lowest token", async () => {
  const logits = new Float32Array(300).fill(-2);
  for (const token of [250, 20, 100, 260]) logits[token] = 4;
  const both = Float32Array.from([...logits, ...logits, ...logits]);
  const samples = [
    { ...NEUTRAL, temperature: 0 },
    { ...NEUTRAL, topK: 2, random: 0.999 },
    { ...NEUTRAL, topK: 3, topP: 0.5, random: 0.999 },
  ];
  const outcomes = await sampleOnGpu(300, both, samples);
  expect(outcomes.map(({ token }) => token)).toEqual([20, 100, 100]);
});

describe("the reference", () => {
  const logits = Float32Array.of(1, 3, 2, 0);

  test("draws in the order of tokens, by hand", () => {
    // Weights e^-2, 1, e^-1, e^-3 of 1.553: token 0 below 0.087, 1 below 0.731, 2 below 0.968.
    const at = (random: number) => sampleReference(logits, { ...NEUTRAL, random }).token;
    expect([0.08, 0.09, 0.73, 0.74, 0.96, 0.97].map(at)).toEqual([0, 1, 1, 2, 2, 3]);
  });

  test("frequencies of many draws are the probabilities", () => {
    const random = randomSource(4);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) {
      counts[sampleReference(logits, { ...NEUTRAL, random: random() }).token]!++;
    }
    [0.0871, 0.6439, 0.2369, 0.0321].forEach((p, i) => {
      expect(Math.abs(counts[i]! / 4000 - p)).toBeLessThan(0.03);
    });
  });

  test("penalties as llama.cpp's, by hand", () => {
    const sample = { ...NEUTRAL, temperature: 0, recentTokens: Uint32Array.of(1, 1) };
    const token = (own: Partial<SampleParams>) =>
      sampleReference(logits, { ...sample, ...own }).token;
    expect(token({ repetitionPenalty: 1.4 })).toBe(1); // 3 / 1.4 = 2.14
    expect(token({ repetitionPenalty: 1.6 })).toBe(2); // 3 / 1.6 = 1.88
    expect(token({ frequencyPenalty: 0.4 })).toBe(1); // 3 - 2 * 0.4
    expect(token({ frequencyPenalty: 0.6 })).toBe(2);
    expect(token({ presencePenalty: 1.1 })).toBe(2);
  });
});
