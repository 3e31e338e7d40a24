/** What was measured is found again by the next page, and nothing else is. */
import { get, set } from "idb-keyval";
import { afterEach, expect, test } from "vitest";
import { forgetTuning, TuningMemory } from "../../src/engine/tuning-memory.ts";
import { variantName } from "../../src/kernels/mat-variant.ts";
import { attentionCandidates } from "../../src/kernels/attention-variants.ts";
import { matCandidates } from "../../src/kernels/mat-variants.ts";
import { requestKernelDevice, shaderFeatures } from "../../src/kernels/runner-device.ts";

const JOB = { format: "Q4_1", activations: "float", rows: 256, columns: 576 } as const;
const TRAITS = { narrow: true, halves: "shifted" } as const;
const SHAPE = {
  heads: 9,
  keyValueHeads: 3,
  headSize: 64,
  ropePairs: "interleaved",
  ropeDims: 64,
  scale: 0.125,
  bias: false,
  headNorm: false,
  epsilon: 1e-5,
  segmentStarts: [0, 2048, 4096],
} as const;

const devices: GPUDevice[] = [];
afterEach(async () => {
  for (const device of devices.splice(0)) device.destroy();
  await forgetTuning();
});

/** As another page sees it: nothing in the thread's memory is shared between devices. */
async function nextPage() {
  const device = await requestKernelDevice();
  devices.push(device);
  return { memory: await TuningMemory.of(device), features: shaderFeatures(device) };
}

async function measured() {
  await forgetTuning(); // what tests before this file have measured
  const { memory, features } = await nextPage();
  const candidates = matCandidates("decode", "float", features, "Q4_1");
  const timings = [...candidates]
    .reverse()
    .map((variant, i) => ({ variant, macsPerMs: 1e6 / (i + 1) }));
  memory.traits = TRAITS;
  const winner = timings[0]!.variant;
  const untried = matCandidates("prefill", "float", features, "Q4_1").slice(1).reverse();
  memory.add(JOB, "decode", { winner, timings, refused: ["split: off by 1"], untried: [] });
  memory.add(JOB, "batch", { winner: candidates[0]!, timings: [], refused: [], untried: [] });
  const variant = matCandidates("prefill", "float", features, "Q4_1")[0]!;
  const one = { variant, macsPerMs: 1e6 };
  memory.add(JOB, "prefill", { winner: variant, timings: [one], refused: [], untried });
  memory.chunks.set("shape", 128);
  const attention = [...attentionCandidates("decode", SHAPE, features, TRAITS.halves)]
    .reverse()
    .map((variant, i) => ({ variant, ms: 0.1 * (i + 1) }));
  const first = attention.at(-1)!.variant;
  memory.addAttention(SHAPE, "decode", {
    winner: attention[0]!.variant,
    timings: attention,
    refused: ["lanes: off by 1"],
  });
  memory.addAttention(SHAPE, "prefill", { winner: first, timings: [], refused: [] });
  await memory.keep();
  return { memory, timings, attention, untried };
}

test("the next page finds what was measured, and measures what was not", async () => {
  const { timings, attention, untried } = await measured();
  const { memory } = await nextPage();
  expect(memory.traits).toEqual(TRAITS);
  expect(memory.chunks.get("shape")).toBe(128);
  const found = memory.find(JOB, "decode")!;
  expect(variantName(found.winner)).toBe(variantName(timings[0]!.variant));
  expect(found.timings).toEqual(timings);
  expect(found.refused).toEqual(["split: off by 1"]);
  expect(found.untried).toEqual([]);
  expect(memory.find(JOB, "prefill")!.untried).toEqual(untried);
  expect(memory.find(JOB, "batch")).toBeNull();
  expect(memory.find({ ...JOB, rows: 512 }, "decode")).toBeNull();
  expect(memory.findAttention(SHAPE, "decode")).toEqual({
    winner: attention[0]!.variant,
    timings: attention,
    refused: ["lanes: off by 1"],
  });
  expect(memory.findAttention(SHAPE, "prefill")).toBeNull();
  expect(memory.findAttention({ ...SHAPE, heads: 6 }, "decode")).toBeNull();
  // Each segment repeats the kernels' inner loop; how long it is does not matter.
  expect(memory.findAttention({ ...SHAPE, segmentStarts: [0, 4096] }, "decode")).toBeNull();
  expect(
    memory.findAttention({ ...SHAPE, segmentStarts: [0, 512, 1024] }, "decode"),
  ).not.toBeNull();
});

test("keeping more does not make what was measured before younger", async () => {
  await measured();
  const entry = (await get<object>("tabmesh.tuning"))!;
  const keptAtMs = Date.now() - 60_000;
  await set("tabmesh.tuning", { ...entry, keptAtMs });
  await (await nextPage()).memory.keep();
  expect(await get("tabmesh.tuning")).toEqual({ ...entry, keptAtMs });
});

test("what was forgotten is measured again", async () => {
  await measured();
  await forgetTuning();
  const { memory } = await nextPage();
  expect(memory.traits).toBeNull();
  expect(memory.find(JOB, "decode")).toBeNull();
  expect(memory.findAttention(SHAPE, "decode")).toBeNull();
});

test.each([
  ["another adapter's or browser's", { fingerprint: "another" }],
  ["old", { keptAtMs: Date.now() - 8 * 24 * 60 * 60 * 1000 }],
  ["from the future", { keptAtMs: Date.now() + 60_000 }],
  ["damaged", { chunks: { shape: "many" } }],
  ["damaged in its attention", { attention: { shape: { timings: [{ variant: "lanes" }] } } }],
  ["of a version without attention", { attention: undefined }],
])("what is %s is not used", async (_, change) => {
  await measured();
  const entry = (await get<object>("tabmesh.tuning"))!;
  await set("tabmesh.tuning", { ...entry, ...change });
  const { memory } = await nextPage();
  expect(memory.traits).toBeNull();
  expect(memory.chunks.size).toBe(0);
});

test("a variant that is no candidate any more makes its workload be measured again", async () => {
  const { memory } = await measured();
  const gone = {
    kind: "threads",
    rows: 2,
    tokens: 2,
    workgroup: 2,
    inner: "alone",
  };
  memory.add(JOB, "prefill", {
    winner: gone as never,
    timings: [{ variant: gone as never, macsPerMs: 1 }],
    refused: [],
    untried: [],
  });
  memory.addAttention(SHAPE, "prefill", {
    winner: { ...gone, kind: "columns" } as never,
    timings: [{ variant: { ...gone, kind: "columns" } as never, ms: 1 }],
    refused: [],
  });
  await memory.keep();
  const next = (await nextPage()).memory;
  expect(next.find(JOB, "decode")).not.toBeNull();
  expect(next.find(JOB, "prefill")).toBeNull();
  expect(next.findAttention(SHAPE, "decode")).not.toBeNull();
  expect(next.findAttention(SHAPE, "prefill")).toBeNull();
});
