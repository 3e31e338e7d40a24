import { expect, inject, test } from "vitest";
import {
  variantName,
  workgroupTile,
  type MatVariant,
} from "../../src/kernels/matmul/mat-variant.ts";
import { forRows, matCandidates } from "../../src/kernels/matmul/mat-candidates.ts";
import { shaderFeatures } from "../../src/kernels/core/device.ts";
import { tuneMat } from "../../src/tuner/tune-mat.ts";
import type { TuneJob } from "../../src/tuner/jobs.ts";
import { productChoice } from "../../src/tuner/tuner.ts";
import { run } from "../../tools/gpu/run.ts";
import { MeasurementClock } from "../../src/tuner/clock.ts";
import { measureTraits, parallelismKernel } from "../../src/tuner/traits.ts";
import { testDevice } from "../../tools/gpu/device.ts";

const device = await testDevice();
const features = shaderFeatures(device);
const submitWhileWaiting = navigator.userAgent.includes("Firefox");
const workloads = ["decode", "batch", "prefill"] as const;
const jobs = (["float", "int8"] as const).flatMap((activations) =>
  workloads.map(
    (workload) => ({ format: "Q4_1", activations, rows: 256, columns: 576, workload }) as const,
  ),
);
const candidatesOf = ({ workload, activations, format }: TuneJob, low: boolean) =>
  matCandidates(workload, activations, features, low, format);

test("software adapters have low parallelism, and GPUs do not", async () => {
  const isSoftware = inject("adapterKind") === "software";
  expect((await measureTraits(device, submitWhileWaiting)).lowParallelism).toBe(isSoftware);
});

test("the parallelism kernel computes its formula", async () => {
  const [out] = await run(device, parallelismKernel, [{ output: 128 }], { steps: 3, groups: 2 });
  expect([...out!]).toEqual(Array.from({ length: 128 }, (_, i) => i));
});

test.each([
  ["a software adapter", true],
  ["a GPU", false],
])("%s: measures every candidate of every job, and reports progress", async (_kind, low) => {
  const progress: number[] = [];
  const tuned = await tuneMat(device, {
    jobs,
    prefillTokens: 32,
    lowParallelism: low,
    submitWhileWaiting,
    clock: new MeasurementClock(),
    onProgress: (done) => progress.push(done),
  });
  expect(progress).toEqual([1, 2, 3, 4, 5, 6]);
  expect(new Set(tuned.map(({ job }) => job))).toEqual(new Set(jobs));
  for (const { job, timings } of tuned) {
    const candidates = candidatesOf(job, low);
    expect(timings.length).toBe(candidates.length);
    expect(new Set(timings.map(({ variant }) => variantName(variant)))).toEqual(
      new Set(candidates.map(variantName)),
    );
    const rates = timings.map(({ macsPerMs }) => macsPerMs);
    expect(rates).toEqual([...rates].sort((a, b) => b - a));
  }
  const { job, timings } = tuned.find(({ job }) => job === jobs[0])!;
  const [best, ...others] = timings;
  expect(productChoice({ job, timings }, best!.variant)).toEqual({
    kind: "product",
    shape: "Q4_1 float 256x576",
    workload: "decode",
    winner: variantName(best!.variant),
    ratePerMs: best!.macsPerMs,
    others: others.map(({ variant, macsPerMs }) => ({
      name: variantName(variant),
      speed: macsPerMs / best!.macsPerMs,
    })),
  });
});

test("when the budget is used up, every candidate is still measured once, and none again", async () => {
  let measurements = 0;
  const clock = new (class extends MeasurementClock {
    override get measuredMs(): number {
      return Infinity;
    }
    override undisturbed(measure: () => Promise<number>): Promise<number> {
      measurements++;
      return measure();
    }
  })();
  const options = { prefillTokens: 32, lowParallelism: false, submitWhileWaiting, clock };
  const tuned = await tuneMat(device, { ...options, jobs });
  const all = jobs.flatMap((job) => candidatesOf(job, false));
  expect(tuned.flatMap(({ timings }) => timings).length).toBe(all.length);
  expect(measurements).toBe(all.length);
});

test("before a product is measured, the report names the first guess", () => {
  const [guess] = candidatesOf(jobs[0]!, true);
  const choice = productChoice({ job: jobs[0]!, timings: [] }, guess!);
  expect(choice).toMatchObject({ winner: variantName(guess!), ratePerMs: null, others: [] });
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
