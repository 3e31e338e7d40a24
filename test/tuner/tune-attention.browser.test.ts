/** Attention kernels are timed on a shard's shape, and only those that agree may win. */
import { describe, expect, test } from "vitest";
import type { AttentionVariant } from "../../src/kernels/attention/attention.ts";
import type { AttentionShape } from "../../src/kernels/attention/attention-shape.ts";
import {
  attentionCandidates,
  attentionName,
  ATTENTION_USES,
  maxSplits,
  SPLIT_ROWS,
  splitsOf,
  type AttentionUse,
} from "../../src/kernels/attention/attention-variants.ts";
import { shaderFeatures } from "../../src/kernels/core/device.ts";
import { attentionChoices, tuneAttention } from "../../src/tuner/tune-attention.ts";
import { MeasurementClock } from "../../src/tuner/clock.ts";
import { testDevice } from "../../tools/gpu/device.ts";

const device = await testDevice();
const features = shaderFeatures(device);
const submitWhileWaiting = navigator.userAgent.includes("Firefox");
const TRAITS = { lowParallelism: true, float16Unpack: "shift" } as const;
const GPU = { lowParallelism: false, float16Unpack: "builtin" } as const;
const noSubgroups = { ...features, subgroups: false };
const fourLanes = { ...features, subgroups: true, subgroupMinSize: 4, subgroupMaxSize: 4 };

const plain: AttentionShape = {
  heads: 6,
  keyValueHeads: 2,
  headSize: 32,
  ropePairs: "interleaved",
  ropeDims: 32,
  scale: 0.2,
  bias: false,
  headNorm: false,
  epsilon: 1e-5,
  segmentStarts: [0, 1024],
};
/** With bias, norms and partial rotation, a cache in two buffers, and a short context. */
const dressed: AttentionShape = {
  ...plain,
  ropePairs: "halves",
  ropeDims: 16,
  bias: true,
  headNorm: true,
  segmentStarts: [0, 128, 320],
};

function jobOf(shape: AttentionShape, use: AttentionUse) {
  const [first, ...others] = attentionCandidates(use, shape, features, TRAITS);
  const [gpu] = attentionCandidates(use, shape, features, GPU);
  return { use, candidates: [first!, ...others, gpu!] };
}

const options = { budgetMs: Infinity, submitWhileWaiting, clock: new MeasurementClock() };

describe.each([
  { name: "a plain shape", shape: plain },
  { name: "one with biases, norms and two segments", shape: dressed },
])("$name", ({ shape }) => {
  test("every candidate is timed, agrees, and is reported", async () => {
    const progress: number[] = [];
    const jobs = ATTENTION_USES.map((use) => jobOf(shape, use));
    const onProgress = (done: number) => progress.push(done);
    const [decode, prefill] = await tuneAttention(device, { ...options, shape, jobs, onProgress });
    expect(progress).toEqual([1, 2]);
    for (const [i, tuned] of [decode!, prefill!].entries()) {
      expect(tuned.rejected).toEqual([]);
      expect(tuned.timings.map(({ variant }) => attentionName(variant)).sort()).toEqual(
        jobs[i]!.candidates.map(attentionName).sort(),
      );
      expect(tuned.winner).toBe(tuned.timings[0]!.variant);
      const times = tuned.timings.map(({ ms }) => ms);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(times[0]).toBeGreaterThan(0);
    }
    const choices = attentionChoices(shape, { decode: decode!, prefill: prefill! });
    expect(choices).toEqual(
      [decode!, prefill!].map(({ winner, timings }, i) => ({
        kind: "attention",
        shape: "6/2x32",
        workload: ATTENTION_USES[i],
        winner: attentionName(winner),
        ratePerMs: 1 / timings[0]!.ms,
        others: timings.slice(1).map(({ variant }) => ({
          name: attentionName(variant),
          speed: expect.any(Number) as number,
        })),
      })),
    );
    for (const { others } of choices) {
      for (const { speed } of others) expect(speed > 0 && speed <= 1).toBe(true);
    }
  });
});

test("a candidate whose result is wrong, or that does not compile, is rejected and never wins", async () => {
  const { candidates } = jobOf(dressed, "decode");
  const first = candidates[0]!;
  const unrotated: AttentionVariant = { ...candidates.at(-1)!, fused: false };
  const tooLarge: AttentionVariant = {
    ...candidates.at(-1)!,
    workgroupSize: 2 * device.limits.maxComputeInvocationsPerWorkgroup,
  };
  for (const { wrong, why } of [
    { wrong: unrotated, why: /^workgroup of \d+: off by [\d.]+$/ },
    { wrong: tooLarge, why: /^workgroup of \d+: KernelError: .*does not compile/ },
  ]) {
    const jobs = [{ use: "decode", candidates: [first, wrong] }] as const;
    const [tuned] = await tuneAttention(device, { ...options, shape: dressed, jobs });
    expect(tuned!.rejected).toEqual([expect.stringMatching(why)]);
    expect(tuned!.timings.map(({ variant }) => variant)).toEqual([first]);
    expect(tuned!.winner).toBe(first);
  }
});

test("a wrong first guess loses to a correct kernel, however slow", async () => {
  const right = attentionCandidates("prefill", plain, noSubgroups, TRAITS)[0]!;
  const jobs = [
    // In place of the rows' own queries it takes them for q, k and v.
    { use: "prefill", candidates: [{ ...right, kind: "workgroup", fused: true }, right] },
  ] as const;
  const [tuned] = await tuneAttention(device, { ...options, shape: plain, jobs });
  expect(tuned!.winner).toBe(right);
  expect(tuned!.rejected).toEqual([expect.stringMatching(/^workgroup of 8: off by/)]);
});

test("without a budget nothing is measured", async () => {
  const jobs = ATTENTION_USES.map((use) => jobOf(plain, use));
  const clock = new (class extends MeasurementClock {
    override undisturbed(): Promise<number> {
      throw new Error("there is no budget for a measurement");
    }
  })();
  const none = { ...options, shape: plain, jobs, budgetMs: 0, clock };
  const tuned = await tuneAttention(device, none);
  expect(tuned).toEqual(
    jobs.map(({ candidates: [winner] }) => ({ winner, timings: [], rejected: [] })),
  );
  const [decode, prefill] = tuned;
  const choices = attentionChoices(plain, { decode: decode!, prefill: prefill! });
  expect(choices).toMatchObject([
    { workload: "decode", ratePerMs: null, others: [] },
    { workload: "prefill", ratePerMs: null, others: [] },
  ]);
});

test("the winner is timed again even when the budget is used up", async () => {
  const [first, rival] = jobOf(plain, "decode").candidates;
  // The first guess was disturbed; the budget of 100 ms is over after the second.
  const times = [3, 2, 2, 1];
  const takesMs = [30, 90];
  let nowMs = 0;
  const clock = new (class extends MeasurementClock {
    override now() {
      return nowMs;
    }
    override async undisturbed(measure: () => Promise<number>) {
      await measure();
      nowMs += takesMs.shift() ?? 10;
      return times.shift() ?? 2;
    }
  })();
  const jobs = [{ use: "decode", candidates: [first!, rival!] }] as const;
  const [tuned] = await tuneAttention(device, {
    ...options,
    shape: plain,
    jobs,
    budgetMs: 100,
    clock,
  });
  expect(tuned!.timings).toEqual([
    { variant: first, ms: 1 },
    { variant: rival, ms: 2 },
  ]);
});

test("a candidate far above the cutoff is not timed again", async () => {
  const [first, second] = jobOf(plain, "prefill").candidates;
  let measurements = 0;
  const clock = new (class extends MeasurementClock {
    override undisturbed(measure: () => Promise<number>): Promise<number> {
      measurements++;
      // The second candidate takes 21 times as long as the first.
      return measure().then(() => (measurements === 2 ? 21 : 1));
    }
  })();
  const jobs = [{ use: "prefill", candidates: [first!, second!] }] as const;
  const [tuned] = await tuneAttention(device, { ...options, shape: plain, jobs, clock });
  expect(tuned!.winner).toBe(first);
  // Once each, and three more of the first alone.
  expect(measurements).toBe(2 + 3);
});

test("lanes and quads need subgroups of four and heads that they can divide", () => {
  const kinds = (shape: { headSize: number }, device = fourLanes) =>
    ATTENTION_USES.map((use) => attentionCandidates(use, shape, device, TRAITS).map(attentionName));
  expect(kinds({ headSize: 64 })).toEqual([
    ["lanes", "threads"],
    ["quads", "threads"],
  ]);
  const two = [["threads"], ["threads"]];
  expect(kinds({ headSize: 48 })).toEqual(two);
  expect(kinds({ headSize: 64 }, { ...fourLanes, subgroupMaxSize: 8 })).toEqual(two);
  expect(kinds({ headSize: 64 }, noSubgroups)).toEqual(two);
});

test("a GPU gets a workgroup of 256 for each query head, or of as many threads as it allows", () => {
  const sizes = (use: AttentionUse, device: typeof features) =>
    attentionCandidates(use, plain, device, GPU).map(attentionName);
  const wide = { ...fourLanes, maxInvocations: 1024 };
  expect(sizes("decode", wide)).toEqual(["workgroup of 256"]);
  expect(sizes("decode", { ...wide, maxInvocations: 128 })).toEqual(["workgroup of 128"]);
  expect(sizes("prefill", wide)).toEqual(["workgroup of 64", "workgroup of 128"]);
});

test("the decoding kernel determines how positions are split", () => {
  const [lanes, threads] = attentionCandidates("decode", plain, fourLanes, TRAITS);
  const [workgroup] = attentionCandidates("decode", plain, fourLanes, GPU);
  const splits = (variant: AttentionVariant, longest: number, rows = 1) =>
    splitsOf(variant, rows, longest).splits;
  expect([96, 97, 512].map((longest) => splits(threads!, longest))).toEqual([1, 2, 8]);
  expect([256, 257, 512].map((longest) => splits(lanes!, longest))).toEqual([1, 2, 2]);
  expect([512, 513, 1024, 4096].map((longest) => splits(workgroup!, longest))).toEqual([
    1, 5, 8, 32,
  ]);
  expect(splits(threads!, 100_000)).toBe(16);
  // There are partial results for all of them.
  for (const context of [64, 512, 1024, 4096, 131_072]) {
    const room = maxSplits({ segmentStarts: [0, context] });
    for (const variant of [lanes!, threads!, workgroup!]) {
      expect(splits(variant, context)).toBeLessThanOrEqual(room);
    }
  }
  expect(maxSplits({ segmentStarts: [0, 131_072] })).toBe(64);
  expect(splits(threads!, 512, SPLIT_ROWS + 1)).toBe(1);
  const { splitPositions } = splitsOf(threads!, 1, 100);
  expect(splitPositions).toBe(50);
  const [quads] = attentionCandidates("prefill", plain, fourLanes, TRAITS);
  expect(splits(quads!, 4096)).toBe(1);
});
