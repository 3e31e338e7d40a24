/**
 * Every buffer, binding, workgroup, and dispatch of a shard fits the limits of real adapters, for models
 * from 135M to 70B and contexts up to 131,072, or the shard is refused before anything is allocated. The
 * engine's own plans and steps run on a device that only checks them.
 */
import { describe, expect, test } from "vitest";
import { beginLoad } from "../../src/engine/load-shard.ts";
import type { SampleRequest, ShardOptions, StepRow } from "../../src/engine/types.ts";
import { CHUNK_ROWS, type ChunkRows } from "../../src/kernels/index.ts";
import { GREEDY, placedScratchBytes, scratchSizes } from "../../src/shared/index.ts";
import { setTuner, type VariantSet, variantSets } from "../../tools/engine/fixed-tuner.ts";
import { describeShape, MODEL_SHAPES, type ModelShape } from "../../tools/engine/model-shapes.ts";
import { ADAPTERS, type KnownAdapter } from "../../tools/gpu/adapters.ts";
import { type AdapterFacts, plannedDevice, workgroupOf } from "../../tools/gpu/planned-device.ts";

const SAMPLE: SampleRequest = {
  sampling: {
    ...{ ...GREEDY, temperature: 1, topK: 40, topP: 0.9, minP: 0.01 },
    ...{ repetitionPenalty: 1.1, penaltyTokens: 1, topLogprobs: 1 },
  },
  random: 0.5,
  recentTokens: Uint32Array.of(0),
};

type Use = {
  readonly contextTokens: number;
  readonly sequences: number;
  readonly chunk: ChunkRows;
};

/** Norms, biases, uniforms, and readbacks: what the plan leaves out because it is small. */
const MAX_UNPLANNED_BYTES = 2 ** 20;

const NO_WEIGHTS = { read: () => Promise.reject(new Error("no weights are read")) };
const nothing = () => undefined;

/** What the plan breaks, or why it was refused. */
async function planned(facts: AdapterFacts, shape: ModelShape, set: VariantSet, use: Use) {
  const { device, violations, allocatedBytes } = plannedDevice(facts);
  const { contextTokens, sequences, chunk } = use;
  const options: ShardOptions = {
    ...{ contextTokens, sequences, activations: set.activations },
    memoryBudgetBytes: Infinity,
    submitWhileWaiting: false,
  };
  const gpu = { device, tuner: setTuner(device, set, chunk) };
  const description = describeShape(shape, contextTokens);
  try {
    const load = await beginLoad(gpu, description, options, NO_WEIGHTS, nothing, nothing);
    const { shard, tune } = await load.prepared;
    await tune?.();
    for (const rows of stepsOf(use, shard.maxRows)) await shard.step(rows, null);
    const plannedBytes = Object.values(shard.memory()).reduce((sum, bytes) => sum + bytes, 0);
    const { scratchBytes } = shard.memory();
    const unplannedBytes = allocatedBytes() - plannedBytes;
    return { refused: null, violations, unplannedBytes, scratchBytes };
  } catch (error) {
    expect(allocatedBytes(), "allocated before it was refused").toBe(0);
    const refused = JSON.parse((error as Error).message) as unknown;
    return { refused, violations, unplannedBytes: 0, scratchBytes: 0 };
  }
}

/** The last token of one sequence and of all, and the end of a prompt. */
function stepsOf({ contextTokens, sequences }: Use, maxRows: number): StepRow[][] {
  const last = contextTokens - 1;
  const batch = (rows: number) =>
    Array.from({ length: rows }, (_, sequence) => ({
      ...{ sequence, position: last, token: 0, sample: SAMPLE },
    }));
  const prompt = Array.from({ length: maxRows }, (_, i) => ({
    ...{ sequence: 0, position: last - (maxRows - 1 - i), token: 0, sample: null },
  }));
  return [batch(1), batch(Math.min(8, sequences)), batch(sequences), prompt];
}

const setsOf = ({ software, ...facts }: KnownAdapter) =>
  variantSets(plannedDevice(facts).device).filter(
    ({ traits }) => traits.lowParallelism === software,
  );

/** What a placement counts as scratch: it must not place what the engine then refuses. */
function placedBytes(shape: ModelShape, { contextTokens, sequences }: Use): number {
  const scratch = scratchSizes(describeShape(shape, contextTokens).model);
  const settings = { contextTokens, generationSlots: sequences };
  return placedScratchBytes({ contextTokens, scratch }, settings);
}

const SMALL: Use = { contextTokens: 4096, sequences: 1, chunk: CHUNK_ROWS[0] };
const OTHERS: readonly Use[] = [
  { contextTokens: 131_072, sequences: 64, chunk: CHUNK_ROWS.at(-1)! },
  { contextTokens: 131_072, sequences: 1, chunk: CHUNK_ROWS[0] },
  { contextTokens: 512, sequences: 64, chunk: CHUNK_ROWS.at(-1)! },
  { contextTokens: 4096, sequences: 8, chunk: CHUNK_ROWS[0] },
];

// Each adapter runs each model, and each of its sets of variants with some of the models.
describe.each(ADAPTERS.map((adapter) => ({ name: adapter.name, adapter })))("$name", (known) => {
  const { adapter } = known;
  test.each(MODEL_SHAPES.map((shape, i) => ({ name: shape.name, shape, i })))(
    "$name",
    async ({ shape, i }) => {
      const sets = setsOf(adapter);
      const set = sets[i % sets.length]!;
      const small = await planned(adapter, shape, set, SMALL);
      expect(small.refused).toBeNull();
      expect([...small.violations]).toEqual([]);
      expect(small.unplannedBytes).toBeLessThan(MAX_UNPLANNED_BYTES);
      expect(small.scratchBytes).toBeLessThanOrEqual(placedBytes(shape, SMALL));
      const use = OTHERS[i % OTHERS.length]!;
      const { refused, violations } = await planned(adapter, shape, set, use);
      expect([...violations], JSON.stringify(use)).toEqual([]);
      if (refused !== null)
        expect(refused).toMatchObject({ reason: "gpu_buffer_too_large", ...pick(use) });
    },
  );
});

const pick = ({ contextTokens, sequences }: Use) => ({ contextTokens, sequences });

test("a long context of a large model is refused where its cache has no binding", async () => {
  const [defaults] = ADAPTERS;
  const large = MODEL_SHAPES.at(-1)!;
  const [use] = OTHERS;
  const { refused } = await planned(defaults!, large, setsOf(defaults!)[0]!, use!);
  expect(refused).toMatchObject({ reason: "gpu_buffer_too_large", ...pick(use!) });
});

test("a shard that is unloaded while kernels compile binds none of its buffers", async () => {
  const [adapter] = ADAPTERS;
  const [set] = setsOf(adapter!);
  const { device, violations } = plannedDevice(adapter!);
  const options: ShardOptions = {
    ...{ contextTokens: 512, sequences: 4, activations: "float" as const },
    ...{ memoryBudgetBytes: Infinity, submitWhileWaiting: false },
  };
  const description = describeShape(MODEL_SHAPES[0]!, 512);
  const gpu = { device, tuner: setTuner(device, set!) };
  const { prepared } = await beginLoad(gpu, description, options, NO_WEIGHTS, nothing, nothing);
  const { shard, tune } = await prepared;
  const tuned = tune!();
  shard.destroy();
  await tuned;
  expect([...violations]).toEqual([]);
});

test("what a shader declares is counted", () => {
  const wgsl = `const N = 4u; const M = N * 2u; // 9
    var<workgroup> a: array<vec4<f32>, M * (1u + N)>;
    @compute @workgroup_size(M, 2) fn main() {}`.replaceAll("; const", ";\nconst");
  expect(workgroupOf(wgsl)).toEqual({ size: [8, 2, 1], storageBytes: 16 * 8 * 5 });
});

test("a violation is found", async () => {
  const adapter = ADAPTERS[0]!;
  const facts = { ...adapter, limits: { ...adapter.limits, maxComputeWorkgroupsPerDimension: 64 } };
  const [set] = setsOf(adapter);
  const { violations } = await planned(facts, MODEL_SHAPES[0]!, set!, SMALL);
  expect([...violations].join()).toContain("exceeds maxComputeWorkgroupsPerDimension 64");
});
