/** The next page finds what was measured, and nothing else. */
import { get, set } from "idb-keyval";
import { afterEach, expect, test } from "vitest";
import { forgetTuning, TuningStore } from "../../src/tuner/tuning-store.ts";
import { variantName } from "../../src/kernels/matmul/mat-variant.ts";
import { matCandidates } from "../../src/kernels/matmul/mat-candidates.ts";
import { requestKernelDevice, shaderFeatures } from "../../src/kernels/core/device.ts";

const JOB = { format: "Q4_1", activations: "float", rows: 256, columns: 576 } as const;
const TRAITS = { lowParallelism: true, float16Unpack: "shift" } as const;

const devices: GPUDevice[] = [];
afterEach(async () => {
  for (const device of devices.splice(0)) device.destroy();
  await forgetTuning();
});

/** As another page sees it: devices share nothing in the thread's memory. */
async function nextPage() {
  const device = await requestKernelDevice();
  devices.push(device);
  return { store: await TuningStore.of(device), features: shaderFeatures(device) };
}

async function measured() {
  await forgetTuning(); // what tests before this file have measured
  const { store, features } = await nextPage();
  const candidates = matCandidates("decode", "float", features, true, "Q4_1");
  const timings = [...candidates]
    .reverse()
    .map((variant, i) => ({ variant, macsPerMs: 1e6 / (i + 1) }));
  store.traits = TRAITS;
  const winner = timings[0]!.variant;
  store.add(JOB, "decode", { winner, timings, rejected: ["split: off by 1"] });
  store.add(JOB, "batch", { winner: candidates[0]!, timings: [], rejected: [] });
  const variant = matCandidates("prefill", "float", features, true, "Q4_1")[0]!;
  const one = { variant, macsPerMs: 1e6 };
  store.add(JOB, "prefill", { winner: variant, timings: [one], rejected: [] });
  store.chunks.set("shape", 128);
  await store.save();
  return { store, timings };
}

test("the next page finds what was measured, and measures what was not", async () => {
  const { timings } = await measured();
  const { store } = await nextPage();
  expect(store.traits).toEqual(TRAITS);
  expect(store.chunks.get("shape")).toBe(128);
  const found = store.find(JOB, "decode")!;
  expect(variantName(found.winner)).toBe(variantName(timings[0]!.variant));
  expect(found.timings).toEqual(timings);
  expect(found.rejected).toEqual(["split: off by 1"]);
  expect(store.find(JOB, "batch")).toBeNull();
  expect(store.find({ ...JOB, rows: 512 }, "decode")).toBeNull();
});

test("storing more does not make earlier measurements younger", async () => {
  await measured();
  const entry = (await get<object>("tabmesh.tuning"))!;
  const measuredAtMs = Date.now() - 60_000;
  await set("tabmesh.tuning", { ...entry, measuredAtMs });
  await (await nextPage()).store.save();
  expect(await get("tabmesh.tuning")).toEqual({ ...entry, measuredAtMs });
});

test("forgotten measurements are gone", async () => {
  await measured();
  await forgetTuning();
  const { store } = await nextPage();
  expect(store.traits).toBeNull();
  expect(store.find(JOB, "decode")).toBeNull();
});

test.each([
  ["another adapter's or browser's", { fingerprint: "another" }],
  ["old", { measuredAtMs: Date.now() - 8 * 24 * 60 * 60 * 1000 }],
  ["from the future", { measuredAtMs: Date.now() + 60_000 }],
  ["damaged", { chunks: { shape: "many" } }],
])("an entry that is %s is not used", async (_, change) => {
  await measured();
  const entry = (await get<object>("tabmesh.tuning"))!;
  await set("tabmesh.tuning", { ...entry, ...change });
  const { store } = await nextPage();
  expect(store.traits).toBeNull();
  expect(store.chunks.size).toBe(0);
});

test("a workload is measured again when one of its variants is no longer a candidate", async () => {
  const { store } = await measured();
  const gone = {
    kind: "threads",
    rows: 2,
    tokens: 2,
    workgroup: 2,
    inner: "alone",
  };
  store.add(JOB, "prefill", {
    winner: gone as never,
    timings: [{ variant: gone as never, macsPerMs: 1 }],
    rejected: [],
  });
  await store.save();
  const next = (await nextPage()).store;
  expect(next.find(JOB, "decode")).not.toBeNull();
  expect(next.find(JOB, "prefill")).toBeNull();
});
