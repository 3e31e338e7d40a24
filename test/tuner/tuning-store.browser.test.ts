/** The next page finds what was measured, and nothing else. */
import { get, set } from "idb-keyval";
import { afterEach, expect, test } from "vitest";
import { forgetTuning, TuningStore } from "../../src/tuner/tuning-store.ts";
import { matCandidates } from "../../src/kernels/matmul/mat-candidates.ts";
import { requestKernelDevice, shaderFeatures } from "../../src/kernels/core/device.ts";

const JOB = {
  format: "Q4_1",
  activations: "float",
  rows: 256,
  columns: 576,
  workload: "decode",
} as const;
const BATCH = { ...JOB, workload: "batch" } as const;
const PREFILL = { ...JOB, workload: "prefill" } as const;
const TRAITS = { lowParallelism: true };

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
  store.add({ job: JOB, timings });
  store.add({ job: BATCH, timings: [] });
  const variant = matCandidates("prefill", "float", features, true, "Q4_1")[0]!;
  store.add({ job: PREFILL, timings: [{ variant, macsPerMs: 1e6 }] });
  await store.save();
  return { store, timings };
}

test("the next page finds what was measured, and measures what was not", async () => {
  const { timings } = await measured();
  const { store } = await nextPage();
  expect(store.traits).toEqual(TRAITS);
  expect(store.find(JOB)).toEqual(timings);
  expect(store.find(BATCH)).toEqual([]);
  expect(store.find({ ...JOB, rows: 512 })).toEqual([]);
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
  expect(store.find(JOB)).toEqual([]);
});

test.each([
  ["another adapter's or browser's", { fingerprint: "another" }],
  ["old", { measuredAtMs: Date.now() - 8 * 24 * 60 * 60 * 1000 }],
  ["from the future", { measuredAtMs: Date.now() + 60_000 }],
  ["damaged", { timings: { shape: "many" } }],
])("an entry that is %s is not used", async (_, change) => {
  await measured();
  const entry = (await get<object>("tabmesh.tuning"))!;
  await set("tabmesh.tuning", { ...entry, ...change });
  const { store } = await nextPage();
  expect(store.traits).toBeNull();
  store.traits = TRAITS;
  expect(store.find(JOB)).toEqual([]);
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
  store.add({ job: PREFILL, timings: [{ variant: gone as never, macsPerMs: 1 }] });
  await store.save();
  const next = (await nextPage()).store;
  expect(next.find(JOB)).not.toEqual([]);
  expect(next.find(PREFILL)).toEqual([]);
});
