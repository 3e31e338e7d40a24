import { expect, inject, test } from "vitest";
import {
  variantName,
  workgroupTile,
  type MatVariant,
} from "../../src/kernels/matmul/mat-variant.ts";
import { forRows, matCandidates } from "../../src/kernels/matmul/mat-candidates.ts";
import { shaderFeatures } from "../../src/kernels/core/device.ts";
import { productChoices, tuneMat } from "../../src/tuner/tune-mat.ts";
import { run } from "../../tools/gpu/run.ts";
import { CHUNK_ROWS } from "../../src/kernels/core/step-uniform.ts";
import { fastestChunk } from "../../src/tuner/chunk-rows.ts";
import { MeasurementClock } from "../../src/tuner/clock.ts";
import { unpackKernel } from "../../src/tuner/float16-unpack.ts";
import { hasLowParallelism, parallelismKernel } from "../../src/tuner/parallelism.ts";
import { testDevice } from "../../tools/gpu/device.ts";

const device = await testDevice();
const features = shaderFeatures(device);
const submitWhileWaiting = navigator.userAgent.includes("Firefox");
const workloads = ["decode", "batch", "prefill"] as const;
const jobs = [
  { format: "Q4_1", activations: "float", rows: 256, columns: 576, workloads },
  { format: "Q4_1", activations: "int8", rows: 256, columns: 576, workloads },
] as const;

test("software adapters have low parallelism, and GPUs do not", async () => {
  const isSoftware = inject("adapterKind") === "software";
  expect(await hasLowParallelism(device, submitWhileWaiting)).toBe(isSoftware);
});

test("the parallelism kernel computes its formula", async () => {
  const [out] = await run(device, parallelismKernel, [{ output: 128 }], { steps: 3, groups: 2 });
  expect([...out!]).toEqual(Array.from({ length: 128 }, (_, i) => i));
});

test("the builtin and shifts unpack f16 pairs to the same floats, up to a power of two", async () => {
  const params = { steps: 2, words: 0x3c00bc00 };
  const [builtin] = await run(device, unpackKernel("builtin"), [{ output: 1024 }], params);
  const [shifted] = await run(device, unpackKernel("shift"), [{ output: 1024 }], params);
  expect(builtin!.some((value) => value !== 0)).toBe(true);
  const expected = [...builtin!];
  expect([...shifted!].map((value) => value * 2 ** 112)).toEqual(expected);
});

test.each([
  ["a software adapter", true],
  ["a GPU", false],
])("%s: measures every workload, rejects nothing, and reports progress", async (_kind, low) => {
  const progress: number[] = [];
  const tuned = await tuneMat(device, {
    jobs,
    budgetMs: Infinity,
    prefillTokens: 32,
    lowParallelism: low,
    submitWhileWaiting,
    clock: new MeasurementClock(),
    onProgress: (done) => progress.push(done),
  });
  expect(progress).toEqual([1, 2, 3, 4, 5, 6]);
  for (const { job, workloads } of tuned) {
    for (const workload of ["decode", "batch", "prefill"] as const) {
      const { winner, timings, rejected } = workloads[workload];
      expect(rejected).toEqual([]);
      expect(timings.length).toBe(
        matCandidates(workload, job.activations, features, low, job.format).length,
      );
      expect(winner).toBe(timings[0]!.variant);
      const rates = timings.map(({ macsPerMs }) => macsPerMs);
      expect(rates).toEqual([...rates].sort((a, b) => b - a));
    }
  }
  const choices = productChoices(tuned[0]!);
  expect(choices.map(({ workload }) => workload)).toEqual(workloads);
  const { winner, timings } = tuned[0]!.workloads.decode;
  const { macsPerMs } = timings[0]!;
  expect(choices[0]).toEqual({
    kind: "product",
    shape: "Q4_1 float 256x576",
    workload: "decode",
    winner: variantName(winner),
    ratePerMs: macsPerMs,
    others: timings.slice(1).map((timing) => ({
      name: variantName(timing.variant),
      speed: timing.macsPerMs / macsPerMs,
    })),
  });
});

test("without a budget nothing is measured and the first guess stays", async () => {
  const clock = new (class extends MeasurementClock {
    override undisturbed(): Promise<number> {
      throw new Error("there is no budget for a measurement");
    }
  })();
  const [tuned] = await tuneMat(device, {
    jobs: [jobs[0]],
    budgetMs: 0,
    prefillTokens: 32,
    lowParallelism: true,
    submitWhileWaiting,
    clock,
  });
  expect(workloads.map((workload) => tuned!.workloads[workload].winner)).toEqual(
    workloads.map((workload) => matCandidates(workload, "float", features, true)[0]),
  );
  for (const choice of productChoices(tuned!)) {
    expect(choice).toMatchObject({ ratePerMs: null, others: [] });
  }
});

test("software adapters get no workgroup memory; GPUs get it, or subgroups, for every kind of step", () => {
  const kinds = (lowParallelism: boolean, subgroups: boolean) =>
    workloads.map((workload) => {
      const device = { ...features, subgroups };
      const candidates = matCandidates(workload, "int8", device, lowParallelism, "Q4_1");
      expect(candidates.length).toBeLessThanOrEqual(3);
      return [...new Set(candidates.map(({ kind }) => kind))];
    });
  expect(kinds(true, true)).toEqual([["threads"], ["threads"], ["threads"]]);
  expect(kinds(false, true)).toEqual([["subgroups"], ["subgroups"], ["tile"]]);
  expect(kinds(false, false)).toEqual([["split"], ["split"], ["tile"]]);
});

test("variants have unique names", () => {
  const all = workloads.flatMap((workload) =>
    [true, false].flatMap((low) => matCandidates(workload, "float", features, low)),
  );
  const different = new Set(all.map((variant) => JSON.stringify(variant)));
  expect(new Set(all.map(variantName)).size).toBe(different.size);
});

test("a chunk has the rows that gain time, and the fewest without a budget", async () => {
  const [variant] = matCandidates("prefill", "float", features, true, "Q4_1");
  const options = {
    job: jobs[0],
    variant: variant!,
    macsPerMs: 1e6,
    macsPerRow: 256 * 576,
    maxRows: 256 as const,
    submitWhileWaiting,
    clock: new MeasurementClock(),
  };
  expect(await fastestChunk(device, { ...options, budgetMs: 0 })).toBe(CHUNK_ROWS[0]);
  // A rate that no larger chunk can reach, and a negligible launch.
  const unbeatable = { ...options, macsPerMs: 1e12, macsPerRow: 1e15 };
  expect(await fastestChunk(device, { ...unbeatable, budgetMs: 1e9 })).toBe(CHUNK_ROWS[0]);
  // A rate that every larger chunk exceeds.
  const slow = { ...options, macsPerMs: 1, budgetMs: 1e9 };
  expect(await fastestChunk(device, slow)).toBeGreaterThan(CHUNK_ROWS[0]);
});

test("few rows are divided among more and smaller workgroups", () => {
  const shared = matCandidates("batch", "float", { ...features, subgroups: true }, true)[0]!;
  expect(forRows(shared, 49_152)).toEqual(shared);
  expect(forRows(shared, 576)).toEqual({ ...shared, workgroup: 4 });
  const alone = matCandidates("batch", "float", { ...features, subgroups: false }, true)[0]!;
  expect(forRows(alone, 576)).toEqual({ ...alone, workgroup: 8 });
  const gpu = { ...features, subgroups: true, subgroupMinSize: 32, maxInvocations: 1024 };
  const [two, four] = matCandidates("decode", "int8", gpu, false);
  const workgroups = (variant: MatVariant, rows: number) => {
    const fitted = forRows(variant, rows);
    return Math.ceil(rows / workgroupTile(fitted).rows);
  };
  expect(forRows(two!, 2048)).toEqual(two);
  expect(workgroups(two!, 576)).toBe(144);
  expect(workgroups(four!, 576)).toBe(144);
});
