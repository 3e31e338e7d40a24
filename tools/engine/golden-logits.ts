/**
 * Our logits after the golden prompts and after each of the oracle's tokens, and how far they may be from
 * exact ones: as far as those of llama.cpp, whose products round activations to int8.
 */
import { expect } from "vitest";
import { loadShard } from "../../src/engine/index.ts";
import {
  type Activations,
  requestKernelDevice,
  type Tuner,
  workDone,
} from "../../src/kernels/index.ts";
import { GREEDY_REQUEST } from "./generate.ts";
import { type Golden, openDefaultModel } from "./goldens.ts";
import { exactLogits, logitError, SAMPLED_POSITIONS, sampledLogits } from "./logit-error.ts";

/**
 * [goldens][SAMPLED_POSITIONS][sampled logits], with the goldens decoded as one batch on a device of
 * their own. The engine returns no logits, so they are read from its buffer, found by its label.
 */
export async function goldenLogits(
  goldens: readonly Golden[],
  tunerOf: (device: GPUDevice) => Tuner,
): Promise<number[][][]> {
  const device = await requestKernelDevice();
  const found = bufferLabeled(device, "sample logits");
  const { model, bytes } = await openDefaultModel();
  const whole = model.shard(0, model.description.layerCount);
  const options = {
    contextTokens: 640,
    sequences: goldens.length,
    activations: "int8",
    memoryBudgetBytes: 2 ** 30,
    submitWhileWaiting: navigator.userAgent.includes("Firefox"),
  } as const;
  const gpu = { device, tuner: tunerOf(device) };
  const shard = await loadShard(gpu, whole, options, bytes, () => undefined);
  await shard.tuned;
  const rowBytes = model.description.vocabulary * 4;
  const read = async (row: number) =>
    sampledLogits(await readBack(device, found(), row * rowBytes, rowBytes));
  const all: number[][][] = goldens.map(() => []);
  for (const [sequence, { promptTokens }] of goldens.entries()) {
    for (let from = 0; from < promptTokens.length; from += shard.maxRows) {
      const chunk = promptTokens.slice(from, from + shard.maxRows);
      const isLast = from + chunk.length === promptTokens.length;
      const rows = chunk.map((token, i) => ({
        sequence,
        position: from + i,
        token,
        sample: isLast && i === chunk.length - 1 ? GREEDY_REQUEST : null,
      }));
      await shard.step(rows, null);
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
    await shard.step(rows, null);
    for (const sequence of goldens.keys()) all[sequence]!.push(await read(sequence));
  }
  shard.destroy();
  device.destroy();
  return all;
}

/**
 * The part of llama.cpp's error that ours may have. With floats only keys and values are rounded, to f16,
 * which llama.cpp does too: a small part of its error.
 */
const BUDGET: Readonly<Record<Activations, number>> = { float: 0.1, int8: 1 };

/** `logits` is [goldens][positions][sampled logits]; over all goldens, and for each. */
export function expectWithinBudget(
  goldens: readonly Golden[],
  logits: readonly (readonly (readonly number[])[])[],
  activations: Activations,
  variants: string,
): void {
  goldens.forEach(({ name, exact }, i) => {
    const error = logitError(logits[i]!, exactLogits(exact));
    const budget = exact.error * BUDGET[activations];
    expect(error, `${variants}: error of ${name}`).toBeLessThanOrEqual(budget);
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

async function readBack(device: GPUDevice, source: GPUBuffer, at: number, size: number) {
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  const staging = device.createBuffer({ size, usage });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(source, at, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  const mapped = staging.mapAsync(GPUMapMode.READ);
  await workDone(device, true);
  await mapped;
  const floats = new Float32Array(staging.getMappedRange().slice(0));
  staging.destroy();
  return floats;
}
