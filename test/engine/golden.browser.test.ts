/**
 * SmolLM2's greedy answers are llama.cpp's, up to the first position at which the
 * oracle's best two are nearly tied; and from there on, fed with the oracle's tokens,
 * at every later position where it is decided. In one tab, with floats and with int8
 * activations; the prompts decode in batches, as a room's generations do.
 */
import { afterAll, describe, expect, test } from "vitest";
import { loadShard } from "../../src/engine/load-shard.ts";
import { tuneJobs } from "../../src/engine/tune-jobs.ts";
import type { Shard, ShardOptions } from "../../src/engine/types.ts";
import { attentionShape } from "../../src/engine/shard-shape.ts";
import { forgetTuning, TuningMemory } from "../../src/engine/tuning-memory.ts";
import { cacheSegments } from "../../src/engine/variants.ts";
import { firstAttention } from "../../src/kernels/attention-variants.ts";
import { unmeasured } from "../../src/kernels/tune.ts";
import { requestKernelDevice, shaderFeatures } from "../../src/kernels/runner-device.ts";
import { testDevice } from "../../tools/gpu/device.ts";
import { generate, type Steps } from "../../tools/engine/generate.ts";
import {
  expectGolden,
  firstNearTie,
  GOLDENS,
  openDefaultModel,
} from "../../tools/engine/goldens.ts";

/** Loading, and hundreds of steps on two cores that run other things too. */
const TIMEOUT_MS = 900_000;
const BATCH = 8;
/** Of each answer, if its first near-tie comes sooner. */
const TOKENS = 12;

const shards = new Map<string, Promise<Shard>>();
afterAll(async () => {
  for (const shard of shards.values()) (await shard).destroy();
});

function shardWith(activations: ShardOptions["activations"]): Promise<Shard> {
  const loading = shards.get(activations) ?? load(activations);
  shards.set(activations, loading);
  return loading;
}

const optionsWith = (activations: ShardOptions["activations"]): ShardOptions => ({
  contextTokens: 640,
  sequences: BATCH,
  activations,
  memoryBudgetBytes: 2 ** 30,
  nudge: navigator.userAgent.includes("Firefox"),
});

async function load(activations: ShardOptions["activations"], device?: GPUDevice): Promise<Shard> {
  const { model, bytes } = await openDefaultModel();
  const options = optionsWith(activations);
  const whole = model.shard(0, model.description.layerCount);
  return loadShard(device ?? (await testDevice()), whole, options, bytes, () => undefined);
}

test("there are at least 20 golden answers", () => {
  expect(GOLDENS.length).toBeGreaterThanOrEqual(20);
});

const batches = Array.from({ length: Math.ceil(GOLDENS.length / BATCH) }, (_, i) =>
  GOLDENS.slice(i * BATCH, (i + 1) * BATCH),
);

describe.each(["float", "int8"] as const)("with %s activations", (activations) => {
  test.each(batches.map((batch) => ({ batch, names: batch.map(({ name }) => name).join(", ") })))(
    "$names",
    async ({ batch }) => {
      const shard = await shardWith(activations);
      const counts = batch.map((golden) => Math.max(TOKENS, firstNearTie(golden)));
      const prompts = batch.map(({ promptTokens }) => promptTokens);
      const answers = await generate([shard], prompts, counts, {
        forced: batch.map(({ tokens }) => tokens),
      });
      batch.forEach((golden, i) => expectGolden(golden, answers[i]!));
    },
    TIMEOUT_MS,
  );
});

test(
  "a first guess answers while variants are measured; what won answers as well",
  async () => {
    await forgetTuning();
    const device = await requestKernelDevice();
    const shard = await load("int8", device);
    const told: (readonly string[])[] = [];
    shard.onVariants = (lines) => told.push(lines);
    const unmeasured = () => shard.variants.join().split("(not measured)").length - 1;
    const atFirst = unmeasured();
    expect(atFirst).toBeGreaterThan(0);
    const [batch] = batches;
    const answer = async () => {
      const prompts = batch!.map(({ promptTokens }) => promptTokens);
      const forced = batch!.map(({ tokens }) => tokens);
      const counts = batch!.map(() => TOKENS);
      const answers = await generate([shard], prompts, counts, { forced });
      batch!.forEach((golden, i) => expectGolden(golden, answers[i]!));
    };
    await answer();
    await shard.tuned;
    expect(unmeasured()).toBeLessThan(atFirst);
    expect(shard.variants.join()).toMatch(/GMAC\/s/);
    expect(told.at(-1)).toBe(shard.variants);
    expect(told.flat().join()).toMatch(/measured \d of \d/);
    await answer();
    shard.destroy();
    device.destroy();
  },
  TIMEOUT_MS,
);

test(
  "in the middle of an answer attention's winner takes over, and the answer stays the same",
  async () => {
    await forgetTuning();
    const device = await requestKernelDevice();
    // As of a wide device, so that the first guess loses here; the rest as if it were measured.
    const memory = await TuningMemory.of(device);
    const traits = { narrow: false, halves: "builtin" } as const;
    memory.traits = traits;
    const { model } = await openDefaultModel();
    const whole = model.shard(0, model.description.layerCount);
    const options = optionsWith("float");
    for (const job of tuneJobs(whole, options)) {
      for (const workload of job.workloads) {
        const { winner } = unmeasured(job, workload, shaderFeatures(device), true);
        const timings = [{ variant: winner, macsPerMs: 1e6 }];
        memory.add(job, workload, { winner, timings, refused: [], untried: [] });
      }
    }
    const segments = cacheSegments(traits);
    const shape = attentionShape(device.limits, model.description, options.contextTokens, segments);
    const narrow = { ...traits, narrow: true };
    const winner = firstAttention("prefill", shape, shaderFeatures(device), narrow);
    const timings = [{ variant: winner, ms: 1 }];
    memory.addAttention(shape, "prefill", { winner, timings, refused: [] });
    const shard = await load("float", device);
    const attention = () => shard.variants.find((line) => line.startsWith("attention "))!;
    expect(attention()).toMatch(
      /9\/3x64 decode: workgroup \(not measured\) \| prefill: \w+ 1.0 ms$/,
    );
    let decoded = 0;
    const paused: Steps = {
      maxRows: shard.maxRows,
      async step(rows, hidden) {
        if (rows.every(({ sample }) => sample !== null) && ++decoded === TOKENS / 2) {
          await shard.tuned;
        }
        return shard.step(rows, hidden);
      },
    };
    const batch = GOLDENS.slice(0, 3);
    const prompts = batch.map(({ promptTokens }) => promptTokens);
    const forced = batch.map(({ tokens }) => tokens);
    const answers = await generate([paused], prompts, TOKENS, { forced });
    batch.forEach((golden, i) => expectGolden(golden, answers[i]!));
    expect(attention()).toMatch(/decode: (threads|lanes) .*workgroup 0\.\d\d/);
    shard.destroy();
    device.destroy();
  },
  TIMEOUT_MS,
);
