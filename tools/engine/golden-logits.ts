/**
 * Our logits after the golden prompts and after each of the oracle's tokens, and how far they may be from
 * exact ones: as far as those of llama.cpp, whose products round activations to int8.
 */
import { expect } from "vitest";
import { loadShard } from "../../src/engine/index.ts";
import { requestKernelDevice } from "../../src/kernels/index.ts";
import { readBack } from "../../src/tuner/index.ts";
import { setTuner, type VariantSet } from "./fixed-tuner.ts";
import { GREEDY_REQUEST, stepAll } from "./generate.ts";
import { type Golden, openDefaultModel } from "./goldens.ts";
import { exactLogits, logitError, SAMPLED_POSITIONS, sampledLogits } from "./logit-error.ts";

/**
 * [goldens][SAMPLED_POSITIONS][sampled logits], with the goldens decoded as one batch. The layers are
 * divided among the sets of variants, each on a device of its own, as among members with different
 * adapters. The engine returns no logits, so they are read from its buffer, found by its label.
 */
export async function goldenLogits(
  goldens: readonly Golden[],
  sets: readonly VariantSet[],
): Promise<number[][][]> {
  const { model, bytes } = await openDefaultModel();
  const { layerCount, vocabulary } = model.description;
  const options = {
    contextTokens: 640,
    sequences: goldens.length,
    activations: "int8",
    memoryBudgetBytes: 2 ** 30,
    submitWhileWaiting: navigator.userAgent.includes("Firefox"),
  } as const;
  const members = await Promise.all(
    sets.map(async (set, i) => {
      const device = await requestKernelDevice();
      const found = bufferLabeled(device, "sample logits");
      const [first, end] = [i, i + 1].map((at) => Math.round((layerCount * at) / sets.length));
      const gpu = { device, tuner: setTuner(device, set) };
      const layers = model.shard(first!, end!);
      const shard = await loadShard(gpu, layers, options, bytes, () => undefined);
      await shard.tuned;
      return { device, found, shard };
    }),
  );
  const shards = members.map(({ shard }) => shard);
  const last = members.at(-1)!;
  const rowBytes = vocabulary * 4;
  const read = async (row: number) =>
    sampledLogits(await readBack(last.device, last.found(), row * rowBytes, rowBytes));
  const all: number[][][] = goldens.map(() => []);
  for (const [sequence, { promptTokens }] of goldens.entries()) {
    for (let from = 0; from < promptTokens.length; from += shards[0]!.maxRows) {
      const chunk = promptTokens.slice(from, from + shards[0]!.maxRows);
      const isLast = from + chunk.length === promptTokens.length;
      const rows = chunk.map((token, i) => ({
        sequence,
        position: from + i,
        token,
        sample: isLast && i === chunk.length - 1 ? GREEDY_REQUEST : null,
      }));
      await stepAll(shards, rows);
    }
    all[sequence]!.push(await read(0));
  }
  for (let i = 1; i < SAMPLED_POSITIONS; i++) {
    const rows = goldens.map(({ promptTokens, tokens }, sequence) => ({
      sequence,
      position: promptTokens.length + i - 1,
      token: tokens[i - 1]!,
      sample: GREEDY_REQUEST,
    }));
    await stepAll(shards, rows);
    for (const sequence of goldens.keys()) all[sequence]!.push(await read(sequence));
  }
  for (const { shard, device } of members) {
    shard.destroy();
    device.destroy();
  }
  return all;
}

/**
 * The part of llama.cpp's error that ours may have. With floats only keys and values are rounded, to f16,
 * which llama.cpp does too: a small part of its error.
 */
const BUDGET = { float: 0.1, int8: 1 } as const;

/** `logits` is [goldens][positions][sampled logits] with these sets of variants; for each golden. */
export function expectWithinBudget(
  goldens: readonly Golden[],
  logits: readonly (readonly (readonly number[])[])[],
  sets: readonly VariantSet[],
): void {
  const isRounded = sets.some(({ activations }) => activations === "int8");
  goldens.forEach(({ name, exact }, i) => {
    const error = logitError(logits[i]!, exactLogits(exact));
    const budget = exact.error * BUDGET[isRounded ? "int8" : "float"];
    expect(error, `${JSON.stringify(sets)}: error of ${name}`).toBeLessThanOrEqual(budget);
  });
}

/** The buffer that will be created with this label. */
function bufferLabeled(device: GPUDevice, label: string): () => GPUBuffer {
  let found: GPUBuffer | null = null;
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    if (descriptor.label === label) found = buffer;
    return buffer;
  };
  return () => found!;
}
