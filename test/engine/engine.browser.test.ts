/** The engine against a transformer in plain loops: splits, batches, chunks, growth, counters, errors. */
import { DISPATCHES } from "../../src/shared/step-time.ts";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { EngineError } from "../../src/engine/engine-error.ts";
import { loadShard } from "../../src/engine/load-shard.ts";
import type { Shard, ShardOptions, StepResult } from "../../src/engine/types.ts";
import { requestKernelDevice } from "../../src/kernels/core/device.ts";
import { sampleReference } from "../../src/kernels/sampling/sample-reference.ts";
import type { EngineFailure } from "../../src/shared/cause.ts";
import { GREEDY } from "../../src/shared/sampling.ts";
import { DeviceTuner } from "../../src/tuner/tuner.ts";
import { TuningStore } from "../../src/tuner/tuning-store.ts";
import { testDevice } from "../../tools/gpu/device.ts";
import { generate, GREEDY_REQUEST, stepAll } from "../../tools/engine/generate.ts";
import { ReferenceForward } from "../../tools/engine/reference-forward.ts";
import { tinyModel, type TinyModel, type TinyOptions } from "../../tools/engine/tiny-model.ts";

const MODELS: readonly TinyOptions[] = [
  { architecture: "llama", format: "Q4_1", oddFormat: "Q8_0", tiedHead: true },
  { architecture: "qwen2", format: "Q4_0", oddFormat: "Q5_1", tiedHead: false },
  { architecture: "qwen3", format: "Q8_0", oddFormat: "F16", tiedHead: true },
];
const OPTIONS: ShardOptions = {
  contextTokens: 1024,
  sequences: 3,
  activations: "float",
  memoryBudgetBytes: 2 ** 30,
  submitWhileWaiting: navigator.userAgent.includes("Firefox"),
};
/** f32 in another order than the reference, f16 keys and values, three layers deep. */
const LOGPROB_TOLERANCE = 5e-3;
const PROMPT = [5, 17, 101, 3, 64, 64, 9, 150, 2, 77, 31];

const gpuOf = (device: GPUDevice) => ({ device, tuner: new DeviceTuner(device) });

/** The software adapter that tests run on, with the kernels and the plan of a GPU. */
async function asGpu(device: GPUDevice) {
  const store = await TuningStore.of(device);
  store.traits = { lowParallelism: false };
  return gpuOf(device);
}

const loaded: Shard[] = [];
afterEach(() => {
  for (const shard of loaded.splice(0)) shard.destroy();
});

async function load(
  tiny: TinyModel,
  ends: readonly number[],
  options: Partial<ShardOptions> = {},
): Promise<Shard[]> {
  const device = await testDevice();
  const shards = [];
  for (const [i, end] of ends.entries()) {
    const description = tiny.shard(ends[i - 1] ?? 0, end);
    const all = { ...OPTIONS, ...options };
    shards.push(await loadShard(gpuOf(device), description, all, tiny.reader, () => undefined));
  }
  loaded.push(...shards);
  await Promise.all(shards.map(({ tuned }) => tuned));
  return shards;
}

async function stepResult(step: Promise<StepResult>) {
  const result = await step;
  if (result.kind !== "tokens") throw new Error("the last stage returns tokens");
  return result.tokens;
}

const listing = { ...GREEDY_REQUEST, sampling: { ...GREEDY, topLogprobs: 5 } };

describe.each(MODELS)("$architecture in $format and $oddFormat", (options) => {
  const tiny = tinyModel(options);

  test("probabilities after a prompt and after each of 6 tokens match the reference", async () => {
    const reference = await ReferenceForward.of(tiny.shard(0, 3), tiny.reader);
    const shards = await load(tiny, [3]);
    const tokens = [...PROMPT];
    let rows = tokens.map((token, position) => ({
      sequence: 1,
      position,
      token,
      sample: position === tokens.length - 1 ? listing : null,
    }));
    for (let i = 0; i < 6; i++) {
      const [sampled] = await stepAll(shards, rows);
      const logits = reference.logits(tokens);
      const expected = sampleReference(logits, { ...listing.sampling, ...listing });
      expect(sampled!.token).toBe(expected.token);
      expect(Math.abs(sampled!.logprob! - expected.logprob!)).toBeLessThan(LOGPROB_TOLERANCE);
      expected.top.forEach(({ logprob }, at) => {
        expect(Math.abs(sampled!.top[at]!.logprob - logprob)).toBeLessThan(LOGPROB_TOLERANCE);
      });
      tokens.push(sampled!.token);
      rows = [{ sequence: 1, position: tokens.length - 1, token: sampled!.token, sample: listing }];
    }
  });

  test("the number of shards, the chunk size, and other rows of the batch change nothing", async () => {
    const other = [9, 8, 7];
    const [alone] = await generate(await load(tiny, [3]), [PROMPT], 6);
    for (const ends of [
      [1, 3],
      [1, 2, 3],
    ]) {
      expect(await generate(await load(tiny, ends), [PROMPT], 6)).toEqual([alone]);
    }
    const shards = await load(tiny, [2, 3]);
    for (const chunk of [1, 4]) {
      expect(await generate(shards, [PROMPT], 6, { chunk })).toEqual([alone]);
    }
    const both = await generate(shards, [other, PROMPT], 6);
    expect(both[1]).toEqual(alone);
  });
});

const HARDWARE = inject("adapterKind") === "hardware";

describe("a shard", () => {
  const tiny = tinyModel(MODELS[0]!);

  test("grows its context by segments without copying or changing anything", async () => {
    const [grown] = await load(tiny, [3]);
    const before = grown!.memory().cacheBytes;
    const long = Array.from({ length: 530 }, (_, i) => (i * 37 + 11) % 203);
    const answer = await generate([grown!], [long], 4, { chunk: 50 });
    expect(grown!.memory().cacheBytes).toBeGreaterThan(before);
    const reference = await ReferenceForward.of(tiny.shard(0, 3), tiny.reader);
    const { token } = sampleReference(reference.logits(long), { ...GREEDY, ...GREEDY_REQUEST });
    expect(answer[0]![0]).toBe(token);
    // Decoded from the start in a fresh shard: the same cache, written row by row.
    const [fresh] = await load(tiny, [3]);
    expect(await generate([fresh!], [long], 4, { chunk: 1 })).toEqual(answer);
  });

  test.each([
    { activations: "float", context: 1, rows: 1 },
    { activations: "int8", context: 1, rows: 1 },
    { activations: "float", context: 900, rows: 1 },
    { activations: "int8", context: 900, rows: 1 },
    { activations: "int8", context: 900, rows: 3 },
  ] as const)(
    "$rows rows with $activations at $context tokens: few dispatches a layer, 4 bytes read back",
    async ({ activations, context, rows }) => {
      const [shard] = await load(tinyModel({ ...MODELS[0]!, oddFormat: "Q4_1" }), [3], {
        activations,
      });
      const sequences = Array.from({ length: rows }, (_, sequence) => sequence);
      const decode = (position: number) =>
        shard!.step(
          sequences.map((sequence) => ({ sequence, position, token: 3, sample: GREEDY_REQUEST })),
          null,
        );
      await decode(context - 1); // the cache grows to here
      const before = shard!.counters();
      for (let i = 0; i < 5; i++) await decode(context + i);
      const after = shard!.counters();
      const each = (name: keyof typeof after) => (after[name] - before[name]) / 5;
      // A GPU joins the parts of a long context, and rounds the head's input, in dispatches of their own.
      const perLayer = HARDWARE && context > 512 ? 8 : 7;
      const outside = HARDWARE && activations === "int8" ? 6 : 5; // embedding, norm, head, two to sample
      expect(each("dispatches")).toBeLessThanOrEqual(3 * perLayer + outside);
      // The cost model counts a software adapter's simplest step: attention in one dispatch, floats.
      if (!HARDWARE && activations === "float" && context === 1) {
        const { layer, embed, head } = DISPATCHES;
        expect(each("dispatches")).toBeGreaterThan(3 * layer);
        expect(each("dispatches")).toBeLessThanOrEqual(3 * layer + embed + head);
      }
      expect(each("submits")).toBeLessThanOrEqual(HARDWARE ? 3 : 1); // parts of a layer on an idle GPU
      expect(each("readbacks")).toBe(1);
      expect(each("readbackBytes")).toBe(4 * rows);
      expect(each("pipelinesCreated")).toBe(0);
      expect(each("bindGroupsCreated")).toBe(0);
      expect(each("buffersCreated")).toBe(0);
      expect(each("bytesWritten")).toBeLessThan(2048);
      // Every weight once; the tied table is read by the head.
      expect(each("weightBytesRead")).toBe(shard!.memory().weightBytes);
    },
  );

  test("measures its GPU time by timestamps, where the device has them", async () => {
    const [shard] = await load(tiny, [3]);
    await generate([shard!], [PROMPT], 4, { chunk: 4 });
    const { features } = await testDevice();
    if (features.has("timestamp-query"))
      await expect.poll(() => shard!.gpuShare() ?? 0).toBeGreaterThan(0);
    expect(shard!.gpuShare()).toBeNull(); // nothing was computed since
  });

  /** On hardware, Chromium too notices a step's end sooner if something is submitted meanwhile. */
  test.each([
    { on: "a software adapter", submitWhileWaiting: OPTIONS.submitWhileWaiting },
    { on: "a GPU", submitWhileWaiting: true },
  ])(
    "runs ahead on $on: steps take the tokens of the step before them, still on the GPU",
    async (mode) => {
      const { on, submitWhileWaiting } = mode;
      const options = { ...OPTIONS, submitWhileWaiting };
      const gpu = on === "a GPU" ? await asGpu(await requestKernelDevice()) : null;
      const [shard] =
        gpu === null
          ? await load(tiny, [3], options)
          : [await loadShard(gpu, tiny.shard(0, 3), options, tiny.reader, () => undefined)];
      if (gpu !== null) loaded.push(shard!);
      await shard!.tuned;
      const prompts = [PROMPT, [9, 8, 7]];
      const expected = await generate([shard!], prompts, 6);
      for (const [sequence, prompt] of prompts.entries()) {
        const rows = prompt.slice(0, -1).map((token, position) => ({ sequence, position, token }));
        await stepAll(
          [shard!],
          rows.map((row) => ({ ...row, sample: null })),
        );
      }
      const before = shard!.counters().buffersCreated;
      // All steps are submitted before the first is read; the sequences change places in each.
      const steps = [0, 1, 2, 3, 4, 5].map((ahead) => {
        const sequences = ahead % 2 === 0 ? [0, 1] : [1, 0];
        const rows = sequences.map((sequence, index) => ({
          sequence,
          position: prompts[sequence]!.length - 1 + ahead,
          token: ahead === 0 ? prompts[sequence]!.at(-1)! : { earlierSample: 1 - index },
          sample: GREEDY_REQUEST,
        }));
        return { sequences, result: stepAll([shard!], rows) };
      });
      const answers: number[][] = [[], []];
      for (const { sequences, result } of steps)
        for (const { row, token } of await result) answers[sequences[row]!]!.push(token);
      expect(answers).toEqual(expected);
      expect(shard!.counters().buffersCreated - before).toBeLessThanOrEqual(6); // staging
      const row = { sequence: 0, position: 0, sample: null };
      await expect(shard!.step([{ ...row, token: { earlierSample: 2 } }], null)).rejects.toThrow(
        /no sample 2/,
      );
      gpu?.device.destroy();
    },
  );

  test("rounds activations to int8 and still finds the reference's token", async () => {
    const [shard] = await load(tiny, [3], { activations: "int8" });
    const reference = await ReferenceForward.of(tiny.shard(0, 3), tiny.reader);
    const expected = sampleReference(reference.logits(PROMPT), { ...listing.sampling, ...listing });
    const rows = PROMPT.map((token, position) => ({
      sequence: 0,
      position,
      token,
      sample: position === PROMPT.length - 1 ? listing : null,
    }));
    const [sampled] = await stepAll([shard!], rows);
    // An eighth of a nat: rounding to 1/254 of a block's largest, through three layers.
    expect(Math.abs(sampled!.logprob! - expected.logprob!)).toBeLessThan(0.125);
  });

  test("that exceeds the memory budget is rejected with the bytes that it needs", async () => {
    const loading = load(tiny, [3], { memoryBudgetBytes: 100_000 });
    await expect(loading).rejects.toThrow(EngineError);
    await expect(loading).rejects.toMatchObject({
      failure: { reason: "gpu_memory_exceeded", budgetBytes: 100_000 },
    });
  });

  test("rejects invalid steps", async () => {
    const [first, last] = await load(tiny, [1, 3]);
    const row = { sequence: 0, position: 0, token: 0, sample: null };
    await expect(first!.step([], null)).rejects.toThrow(/1 to \d+ rows/);
    const sampled = [0, 1, 2, 3].map((position) => ({ ...row, position, sample: GREEDY_REQUEST }));
    const [whole] = await load(tiny, [3]);
    await expect(whole!.step(sampled, null)).rejects.toThrow(/samples 3 rows at most, not 4/);
    await expect(last!.step([row], null)).rejects.toThrow(/64 hidden numbers/);
    await expect(first!.step([{ ...row, sequence: 3 }], null)).rejects.toThrow(/sequence 3/);
    await expect(first!.step([{ ...row, position: 1024 }], null)).rejects.toThrow(/position 1024/);
    await expect(first!.step([{ ...row, token: 203 }], null)).rejects.toThrow(/token 203/);
    await expect(first!.step([row, { ...row, position: 2 }], null)).rejects.toThrow(/not follow 0/);
    await expect(first!.step([{ ...row, sample: GREEDY_REQUEST }], null)).rejects.toThrow(
      /last stage/,
    );
  });

  test("decodes a batch before the kernels of batches are compiled, and gets the same tokens after", async () => {
    const device = await testDevice();
    const whole = tiny.shard(0, 3);
    const shard = await loadShard(gpuOf(device), whole, OPTIONS, tiny.reader, () => undefined);
    loaded.push(shard);
    let better = false;
    const tuned = shard.tuned.then(() => (better = true));
    const rows = [5, 17, 101].map((token, sequence) => {
      return { sequence, position: 0, token, sample: listing };
    });
    const early = shard.step(rows, null); // recorded before anything else can happen
    expect(better).toBe(false);
    const tokens = (await stepResult(early)).map(({ token }) => token);
    const reference = await ReferenceForward.of(tiny.shard(0, 3), tiny.reader);
    rows.forEach(({ token }, i) => {
      const wanted = { ...listing.sampling, ...listing };
      expect(tokens[i]).toBe(sampleReference(reference.logits([token]), wanted).token);
    });
    await tuned;
    const late = await stepResult(shard.step(rows, null));
    expect(late.map(({ token }) => token)).toEqual(tokens);
  });

  test("that is unloaded before everything is compiled does not affect the next", async () => {
    const device = await testDevice();
    const whole = tiny.shard(0, 3);
    const gone = await loadShard(gpuOf(device), whole, OPTIONS, tiny.reader, () => undefined);
    gone.destroy();
    const [next] = await load(tiny, [3]);
    await gone.tuned;
    await device.queue.onSubmittedWorkDone();
    const row = { sequence: 0, position: 0, token: 5, sample: GREEDY_REQUEST };
    expect(await stepResult(next!.step([row], null))).toHaveLength(1);
  });

  test("rejects its pending step when it is unloaded", async () => {
    const [shard] = await load(tiny, [3]);
    const pending = shard!.step(
      [{ sequence: 0, position: 0, token: 1, sample: GREEDY_REQUEST }],
      null,
    );
    shard!.destroy();
    const unloaded = { failure: { reason: "shard_unloaded" } };
    await expect(pending).rejects.toMatchObject(unloaded);
    await expect(shard!.step([], null)).rejects.toMatchObject(unloaded);
  });

  test("reports the loss of its device and rejects pending steps", async () => {
    const device = await requestKernelDevice();
    const reported: [EngineFailure, boolean][] = [];
    const shard = await loadShard(
      gpuOf(device),
      tiny.shard(0, 1),
      OPTIONS,
      tiny.reader,
      () => undefined,
      (failure, lost) => reported.push([failure, lost]),
    );
    device.destroy();
    const row = { sequence: 0, position: 0, token: 1, sample: null };
    await expect(shard.step([row], null)).rejects.toThrow(EngineError);
    await device.lost;
    // Firefox may report invalid commands before it; the loss is reported last, and once.
    expect(reported.at(-1)![0]).toMatchObject({ reason: "gpu_lost" });
    expect(reported.map(([, lost]) => lost).filter((lost) => lost)).toEqual([true]);
  });
});

describe("on a GPU", () => {
  const sameFormats = tinyModel({ ...MODELS[0]!, oddFormat: "Q4_1" });
  let gpu: Awaited<ReturnType<typeof asGpu>>;
  beforeAll(async () => {
    gpu = await asGpu(await requestKernelDevice());
  });
  afterAll(() => gpu.device.destroy());

  async function loadOnGpu(tiny: TinyModel, activations: ShardOptions["activations"]) {
    const options = { ...OPTIONS, activations };
    const shard = await loadShard(gpu, tiny.shard(0, 3), options, tiny.reader, () => undefined);
    loaded.push(shard);
    await shard.tuned;
    return shard;
  }

  test.each([
    { activations: "float", context: 1, rows: 1, layer: 7 },
    { activations: "int8", context: 512, rows: 1, layer: 7 },
    { activations: "int8", context: 600, rows: 1, layer: 8 },
    { activations: "int8", context: 600, rows: 3, layer: 8 },
  ] as const)(
    "$rows rows with $activations at $context tokens: $layer dispatches a layer, and no norm is repeated",
    async ({ activations, context, rows, layer }) => {
      const shard = await loadOnGpu(sameFormats, activations);
      const sequences = Array.from({ length: rows }, (_, sequence) => sequence);
      const step = sequences.map((sequence) => ({
        sequence,
        position: context - 1,
        token: 3,
        sample: GREEDY_REQUEST,
      }));
      const before = shard.counters().dispatches;
      await shard.step(step, null);
      // Embedding, output norm, head, and two for sampling; int8 rounds the head's input.
      const outside = activations === "int8" ? 6 : 5;
      expect(shard.counters().dispatches - before).toBe(3 * layer + outside);
    },
  );

  test("a step on an idle GPU is submitted in parts, one behind another step at once", async () => {
    const shard = await loadOnGpu(sameFormats, "float");
    const row = { sequence: 0, position: 0, token: 3, sample: GREEDY_REQUEST };
    const submits = () => shard.counters().submits;
    const untimed = async () => {
      const before = submits();
      const alone = shard.step([row], null);
      const between = submits();
      const behind = shard.step([row], null);
      const after = submits();
      await Promise.all([alone, behind]);
      return [between - before, after - between];
    };
    // A timed step is one part; one in 100 ms is timed.
    await expect.poll(untimed, { interval: 0, timeout: 10_000 }).toEqual([3, 1]);
  });

  test.each(MODELS.slice(1, 2))(
    "$architecture in $format and $oddFormat: the reference's probabilities",
    async (model) => {
      const tiny = tinyModel(model);
      const reference = await ReferenceForward.of(tiny.shard(0, 3), tiny.reader);
      const shard = await loadOnGpu(tiny, "float");
      const tokens = Array.from({ length: 70 }, (_, i) => (i * 37 + 11) % 203);
      const row = (position: number) => ({
        sequence: 1,
        position,
        token: tokens[position]!,
        sample: position >= tokens.length - 2 ? listing : null,
      });
      // A prompt of 60, rows that decode one by one, and a batch of two sequences.
      await stepAll(
        [shard],
        Array.from({ length: 60 }, (_, position) => row(position)),
      );
      for (let position = 60; position < 69; position++) await shard.step([row(position)], null);
      const other = { sequence: 0, position: 0, token: 5, sample: listing };
      const [last, alone] = await stepResult(shard.step([row(69), other], null));
      const outcomes = [
        [last!, tokens],
        [alone!, [5]],
      ] as const;
      for (const [sampled, context] of outcomes) {
        const logits = reference.logits([...context]);
        const expected = sampleReference(logits, { ...listing.sampling, ...listing });
        expect(sampled.token).toBe(expected.token);
        expected.top.forEach(({ logprob }, at) => {
          expect(Math.abs(sampled.top[at]!.logprob - logprob)).toBeLessThan(LOGPROB_TOLERANCE);
        });
      }
    },
  );
});
