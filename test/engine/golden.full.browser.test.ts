/**
 * SmolLM2's greedy answers are llama.cpp's wherever rounding cannot choose another token, fed with the
 * oracle's tokens. In one tab, with floats and with int8 activations; the prompts decode in batches, as
 * a room's generations do.
 */
import { afterAll, expect, test } from "vitest";
import { loadShard } from "../../src/engine/load-shard.ts";
import type { Shard, ShardOptions } from "../../src/engine/types.ts";
import { requestKernelDevice } from "../../src/kernels/core/device.ts";
import { type KernelChoice, KernelReport } from "../../src/shared/kernel-report.ts";
import { DeviceTuner } from "../../src/tuner/tuner.ts";
import { forgetTuning } from "../../src/tuner/tuning-store.ts";
import { testDevice } from "../../tools/gpu/device.ts";
import { generate } from "../../tools/engine/generate.ts";
import { expectGolden, GOLDENS, openDefaultModel } from "../../tools/engine/goldens.ts";

/** Loading, and hundreds of steps on two cores that run other things too. */
const TIMEOUT_MS = 900_000;
const BATCH = 8;
/** Of each answer. */
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
  submitWhileWaiting: navigator.userAgent.includes("Firefox"),
});

async function load(activations: ShardOptions["activations"], given?: GPUDevice): Promise<Shard> {
  const device = given ?? (await testDevice());
  const { model, bytes } = await openDefaultModel();
  const options = optionsWith(activations);
  const whole = model.shard(0, model.description.layerCount);
  const gpu = { device, tuner: new DeviceTuner(device) };
  return loadShard(gpu, whole, options, bytes, () => undefined);
}

test("there are at least 20 golden answers", () => {
  expect(GOLDENS.length).toBeGreaterThanOrEqual(20);
});

const batches = Array.from({ length: Math.ceil(GOLDENS.length / BATCH) }, (_, i) =>
  GOLDENS.slice(i * BATCH, (i + 1) * BATCH),
);

/** SwiftShader takes several times as long as lavapipe. */
const isSwiftShader = navigator.userAgent.includes("Chrome");

/** The errors of floats are far below what could change an answer (error-budget): one batch shows that. */
const TESTED = [
  ...batches.map((batch) => ({ activations: "int8" as const, batch })),
  ...(isSwiftShader ? [] : [{ activations: "float" as const, batch: batches[0]! }]),
].map((one) => ({ ...one, names: one.batch.map(({ name }) => name).join(", ") }));

test.each(TESTED)(
  "with $activations activations: $names",
  async ({ activations, batch }) => {
    const shard = await shardWith(activations);
    const counts = batch.map(() => TOKENS);
    const prompts = batch.map(({ promptTokens }) => promptTokens);
    const answers = await generate([shard], prompts, counts, {
      forced: batch.map(({ tokens }) => tokens),
    });
    batch.forEach((golden, i) => expectGolden(golden, answers[i]!));
  },
  TIMEOUT_MS,
);

test(
  "answers are right while variants are measured, and with the winners",
  async () => {
    // What the shards above measure in the background would be stored again.
    for (const shard of shards.values()) await (await shard).tuned;
    await forgetTuning();
    const device = await requestKernelDevice();
    const shard = await load("int8", device);
    const told: KernelReport[] = [];
    shard.onKernels = (kernels) => told.push(kernels);
    const isMeasured = ({ ratePerMs }: KernelChoice) => ratePerMs !== null;
    const unmeasured = () => shard.kernels.choices.filter((choice) => !isMeasured(choice)).length;
    const atFirst = unmeasured();
    expect(atFirst).toBeGreaterThan(0);
    const batch = batches[0]!.slice(0, isSwiftShader ? 2 : BATCH);
    const answer = async () => {
      const prompts = batch.map(({ promptTokens }) => promptTokens);
      const forced = batch.map(({ tokens }) => tokens);
      const counts = batch.map(() => TOKENS);
      const answers = await generate([shard], prompts, counts, { forced });
      batch.forEach((golden, i) => expectGolden(golden, answers[i]!));
    };
    await answer();
    await shard.tuned;
    expect(unmeasured()).toBeLessThan(atFirst);
    const products = shard.kernels.choices.filter(({ kind }) => kind === "product");
    expect(products.some(isMeasured)).toBe(true);
    expect(shard.kernels.tuning).toEqual({ status: "measured" });
    for (const report of told) KernelReport.parse(report);
    expect(told.at(-1)).toBe(shard.kernels);
    const steps = told.map(({ tuning }) => (tuning.status === "first_guess" ? tuning.done : 0));
    expect(Math.max(...steps)).toBeGreaterThan(0);
    await answer();
    shard.destroy();
    device.destroy();
  },
  TIMEOUT_MS,
);
