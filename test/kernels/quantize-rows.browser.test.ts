import { describe, expect, test } from "vitest";
import { normReference } from "../../src/kernels/matmul/mat-reference.ts";
import { quantizeKernel, quantizeReference } from "../../src/kernels/matmul/quantize-rows.ts";
import { rowVariants } from "../../tools/gpu/row-variants.ts";
import { run } from "../../tools/gpu/run.ts";
import { testDevice } from "../../tools/gpu/device.ts";
import { expectClose } from "../../tools/gpu/expect-close.ts";
import { randomF32 } from "../../tools/gpu/random.ts";
import { F32_TOLERANCE } from "../../tools/gpu/tolerances.ts";

const device = await testDevice();

test("the reference, by hand", () => {
  const x = new Float32Array(32);
  x.set([-12.7, 6.32, 0.1]);
  const { quants, scales } = quantizeReference(x);
  expect([...quants.subarray(0, 4)]).toEqual([-127, 63, 1, 0]);
  expect(scales[0]).toBeCloseTo(0.1);
  expect(scales[1]).toBeCloseTo(-6.3);
});

describe.each(rowVariants(device))("$name", ({ features }) => {
  describe.each([
    { tokens: 1, columns: 32 },
    { tokens: 3, columns: 96 },
    { tokens: 1, columns: 2112 },
    { tokens: 5, columns: 576 },
    { tokens: 2, columns: 8224 },
  ])("$tokens tokens of $columns", ({ tokens, columns }) => {
    test.each([null, 1e-6, 0.5])("norm epsilon %s", async (epsilon) => {
      const x = randomF32(tokens * columns, 3).map((value) => value * 4);
      const weight = randomF32(columns, 4);
      const kernel = quantizeKernel({ columns, epsilon }, features);
      const [quants, scales] = await run(
        device,
        kernel,
        [
          x,
          ...(epsilon === null ? [] : [weight]),
          { output: (tokens * columns) / 4 },
          { output: (tokens * columns) / 16 },
        ],
        { rows: tokens },
      );
      const expected = quantizeReference(epsilon === null ? x : normReference(x, weight, epsilon));
      const bytes = new Int8Array(quants!.buffer);
      // A value that lies between two steps may round to either.
      const off = bytes.filter((q, i) => Math.abs(q - expected.quants[i]!) > 1);
      expect([...off]).toEqual([]);
      const different = bytes.filter((q, i) => q !== expected.quants[i]!);
      expect(different.length).toBeLessThanOrEqual(Math.ceil(bytes.length / 200));
      const d = (values: Float32Array | Float64Array) =>
        Float32Array.from(values).filter((_, i) => i % 2 === 0);
      expectClose(d(scales!), d(expected.scales), F32_TOLERANCE);
      const sums = scales!.map((value, i) => {
        const block = bytes.subarray((i >> 1) * 32, (i >> 1) * 32 + 32);
        return i % 2 === 0 ? value : scales![i - 1]! * block.reduce((a, b) => a + b, 0);
      });
      expectClose(scales!, sums, F32_TOLERANCE);
    });
  });

  test.each([false, true])("a block of zeros stays zero, norm %s", async (norm) => {
    const kernel = quantizeKernel({ columns: 64, epsilon: norm ? 1e-6 : null }, features);
    const inputs = [
      new Float32Array(64),
      ...(norm ? [new Float32Array(64).fill(1)] : []),
      { output: 16 },
      { output: 4 },
    ];
    const [quants, scales] = await run(device, kernel, inputs, { rows: 1 });
    expect([...new Uint32Array(quants!.buffer)]).toEqual(new Array<number>(16).fill(0));
    expect([...scales!]).toEqual([0, 0, 0, 0]);
  });
});
