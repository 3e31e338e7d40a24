/** Embedding lookup from packed weights, for every block format, and from a table in parts. */
import { describe, expect, test } from "vitest";
import { embeddingKernel, embeddingReference } from "../../src/kernels/matmul/embedding.ts";
import { run } from "../../tools/gpu/run.ts";
import { createWeights, destroyWeights, writeRows } from "../../src/kernels/matmul/weights.ts";
import { BLOCK_FORMATS, type BlockFormat } from "../../src/tensor/block-format.ts";
import { randomBlocks } from "../../src/tensor/random-blocks.ts";
import { earlierSample } from "../../src/kernels/core/step-uniform.ts";
import { testDevice } from "../../tools/gpu/device.ts";
import { expectClose } from "../../tools/gpu/expect-close.ts";
import { randomSource } from "../../tools/gpu/random.ts";
import { F32_TOLERANCE } from "../../tools/gpu/tolerances.ts";

const FORMATS = Object.keys(BLOCK_FORMATS) as BlockFormat[];
const ROWS = 21;

describe.each(FORMATS)("%s", (format) => {
  test.each([
    { columns: 256, partRows: Infinity },
    { columns: 512, partRows: 8 },
  ])("$columns columns, parts of $partRows rows", async ({ columns, partRows }) => {
    const device = await testDevice();
    const bytes = randomBlocks(format, ROWS * columns, randomSource(2));
    const weights = createWeights(device, format, ROWS, columns, partRows);
    writeRows(device, weights, 0, [bytes]);
    // The last two rows take their tokens from samples of the step before.
    const tokens = [20, 0, 7, 8, 7, 16];
    const sampled = Uint32Array.of(3, 16, 7);
    const words = [20, 0, 7, 8, earlierSample(2), earlierSample(1)];
    const rows = words.map((token, position) => ({ sequence: 0, position, token }));
    const params = { rows, samples: [], splits: 1, splitPositions: 1 };
    const merged = new Float32Array(rows.length * columns).fill(NaN);
    for (const { firstRow, rows: count, quants, meta } of weights.parts) {
      const kernel = embeddingKernel({ format, columns, firstRow, rows: count });
      const output = { output: rows.length * columns };
      const [out] = await run(device, kernel, [quants, meta, output, sampled], params);
      // A part writes the rows of its own tokens only.
      tokens.forEach((token, i) => {
        const own = out!.subarray(i * columns, (i + 1) * columns);
        if (token >= firstRow && token < firstRow + count) merged.set(own, i * columns);
        else expect(own.every((value) => Number.isNaN(value))).toBe(true);
      });
    }
    destroyWeights(weights);
    expectClose(merged, embeddingReference(format, columns, bytes, params, sampled), F32_TOLERANCE);
  });
});
