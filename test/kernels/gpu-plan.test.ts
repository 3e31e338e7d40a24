/** The dispatches of a decode step on a GPU, by arithmetic: none leaves cores idle that it could use. */
import { describe, expect, test } from "vitest";
import { attentionVariant, splitsOf } from "../../src/kernels/attention/attention-variants.ts";
import {
  forRows,
  forShape,
  matCandidates,
  tileBytes,
  tileFor,
} from "../../src/kernels/matmul/mat-candidates.ts";
import { tileThreads, variantName } from "../../src/kernels/matmul/mat-variant.ts";
import { matWorkgroups } from "../../src/kernels/matmul/mat.ts";
import { quantizeKernel } from "../../src/kernels/matmul/quantize-rows.ts";
import { rmsNormKernel } from "../../src/kernels/sampling/rms-norm.ts";
import { sampleKernels } from "../../src/kernels/sampling/sample.ts";

/** Multiprocessors of the card that was measured. */
const CORES = 132;

const MODELS = [
  { name: "SmolLM2-135M", hidden: 576, heads: 9, kv: 3, head: 64, ff: 1536, vocabulary: 49_152 },
  { name: "Qwen2-0.5B", hidden: 896, heads: 14, kv: 2, head: 64, ff: 4864, vocabulary: 151_936 },
  { name: "Qwen2-1.5B", hidden: 1536, heads: 12, kv: 2, head: 128, ff: 8960, vocabulary: 151_936 },
  { name: "Llama-1B", hidden: 2048, heads: 32, kv: 8, head: 64, ff: 8192, vocabulary: 128_256 },
  { name: "8B", hidden: 4096, heads: 32, kv: 8, head: 128, ff: 14_336, vocabulary: 128_256 },
  { name: "70B", hidden: 8192, heads: 64, kv: 8, head: 128, ff: 28_672, vocabulary: 262_144 },
];

const features = {
  subgroups: true,
  integerDot: true,
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
  maxInvocations: 1024,
  workgroupBytes: 49_152,
};
const ADAPTERS = [
  { adapter: "subgroups of 32", ...features },
  { adapter: "subgroups of 8 to 32", ...features, subgroupMinSize: 8 },
  { adapter: "subgroups of 64 to 128", ...features, subgroupMinSize: 64, subgroupMaxSize: 128 },
  { adapter: "no subgroups, small workgroups", ...features, subgroups: false, maxInvocations: 256 },
];

describe.each(MODELS)("$name", ({ hidden, heads, kv, head, ff, vocabulary }) => {
  test.each(ADAPTERS)("products, with $adapter", (device) => {
    const products = [(heads + 2 * kv) * head, hidden, 2 * ff, hidden, vocabulary];
    for (const workload of ["decode", "batch"] as const) {
      for (const candidate of matCandidates(workload, "int8", device, false)) {
        for (const rows of products) {
          const variant = forRows(candidate, rows);
          const [x, y, z] = matWorkgroups(variant, rows, 1);
          expect(x * y * z, `${variantName(variant)}, ${rows} rows`).toBeGreaterThanOrEqual(CORES);
          expect(Math.max(x, y, z)).toBeLessThanOrEqual(65_535);
          if (variant.kind === "tile") throw new Error("tiles are for prompts");
          expect(variant.workgroup).toBeLessThanOrEqual(device.maxInvocations);
        }
      }
    }
  });

  test.each(ADAPTERS)("norms, with $adapter: a thread awaits memory once", (device) => {
    const norms = [
      quantizeKernel({ columns: hidden, epsilon: 1e-6 }, device),
      rmsNormKernel({ columns: hidden, epsilon: 1e-6, of: "rows" }, device),
    ];
    for (const { name, wgsl } of norms) {
      const count = (text: RegExp) => [...wgsl.matchAll(text)].length;
      expect(count(/workgroupBarrier\(/g), name).toBe(device.subgroups ? 1 : 2);
      expect(count(/\bfor \(/g), `${name}: loops`).toBe(0);
      const threads = Number(/@workgroup_size\((\d+)\)/.exec(wgsl)![1]);
      expect(threads).toBeLessThanOrEqual(256);
      const values = 4 * threads * count(/^ *let y_\d+_?\d* = /gm);
      expect(values, `${name}: values of all threads`).toBeGreaterThanOrEqual(hidden);
    }
  });

  test("attention: a workgroup for each head, and beyond 512 positions for each 128 of them", () => {
    const traits = { lowParallelism: false };
    const variant = attentionVariant("decode", { headSize: head }, features, traits);
    for (const positions of [1, 512, 513, 1024, 4096, 8192, 131_072]) {
      const { splits, splitPositions } = splitsOf(variant, 1, positions);
      expect(splits * splitPositions).toBeGreaterThanOrEqual(positions);
      // Smaller parts measured slower than idle cores; up to 512 positions, so did joining.
      const useful = positions <= 512 ? heads : heads * Math.ceil(positions / 128);
      expect(heads * splits).toBeGreaterThanOrEqual(Math.min(useful, CORES));
    }
  });

  test("sampling: two dispatches, the first of the whole vocabulary", () => {
    const one = { rows: [], samples: [0], splits: 1, splitPositions: 1 };
    const grids = sampleKernels(vocabulary).map((kernel) => kernel.workgroups(one));
    expect(grids.length).toBe(2);
    expect(grids[0]![0]).toBeGreaterThanOrEqual(CORES);
  });
});

describe.each(["float", "int8"] as const)("tiles of %s", (activations) => {
  const wide = { ...features, maxInvocations: 1024, workgroupBytes: 49_152 };
  const least = { ...features, maxInvocations: 256, workgroupBytes: 16_384 };
  const SHAPES = [
    [576, 576],
    [576, 1536],
    [3072, 576],
    [2048, 8192],
    [16_384, 2048],
    [4096, 14_336],
    [8192, 28_672],
  ] as const;

  test.each([
    { name: "a wide GPU", device: wide, cores: CORES },
    { name: "WebGPU's defaults", device: least, cores: CORES },
  ])("fit $name", ({ device, cores }) => {
    for (const [rows, columns] of SHAPES) {
      for (const tokens of [10, 64, 100, 128, 256, 512]) {
        const tile = tileFor({ rows, columns, tokens }, activations, device);
        const what = `${variantName(tile)}, ${rows} x ${columns}, ${tokens} tokens`;
        const [x, y] = matWorkgroups(tile, rows, tokens);
        const threads = tile.slices * tileThreads(tile.size);
        expect(threads, what).toBeLessThanOrEqual(Math.min(512, device.maxInvocations));
        expect(tile.slices * tileBytes(tile, activations), what).toBeLessThanOrEqual(
          device.workgroupBytes,
        );
        expect(columns / 32 / tile.slices, what).toBeGreaterThanOrEqual(tile.slices > 1 ? 4 : 1);
        if (tile.size === 64) expect(x * y, what).toBeGreaterThanOrEqual(1.9 * cores);
      }
    }
  });

  test("few tiles are divided along the columns, many are not", () => {
    const chosen = (rows: number, columns: number, tokens: number) =>
      variantName(tileFor({ rows, columns, tokens }, activations, wide));
    const most = activations === "int8" ? "tile 32x32 k8" : "tile 32x32 k4";
    expect(chosen(576, 1536, 64)).toBe(most);
    expect(chosen(576, 1536, 256)).toBe(most);
    expect(chosen(576, 576, 256)).toBe("tile 32x32 k4");
    expect(chosen(2048, 8192, 64)).toBe(most);
    expect(chosen(4096, 14_336, 64)).toBe("tile 32x32 k4");
    expect(chosen(2048, 8192, 512)).toBe("tile 64x64");
    expect(chosen(3072, 576, 256)).toBe("tile 32x32");
    expect(chosen(4096, 14_336, 512)).toBe("tile 64x64");
    expect(chosen(16_384, 2048, 64)).toBe("tile 64x64");
  });

  test("a product has the variant of each number of tokens", () => {
    const shape = { rows: 2048, columns: 8192 };
    const [large] = matCandidates("prefill", activations, wide, false);
    const choice = forShape(large!, shape, activations, wide);
    for (const tokens of [10, 64, 65, 256, 300, 512]) {
      const used = choice.find(({ upTo }) => tokens <= upTo)!.variant;
      const atMost = [64, 256, 512].find((most) => tokens <= most)!;
      expect(used).toEqual(tileFor({ ...shape, tokens: atMost }, activations, wide));
    }
    const names = choice.map(({ variant }) => variantName(variant));
    expect(new Set(names).size).toBe(names.length);
  });
});
