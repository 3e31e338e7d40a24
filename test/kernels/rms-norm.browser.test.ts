/** The norm of all rows, and of the rows whose logits are requested. */
import { describe, expect, test } from "vitest";
import { rmsNormKernel, rmsNormReference } from "../../src/kernels/sampling/rms-norm.ts";
import { run } from "../../tools/gpu/run.ts";
import { rowVariants } from "../../tools/gpu/row-variants.ts";
import { testDevice } from "../../tools/gpu/device.ts";
import { expectClose } from "../../tools/gpu/expect-close.ts";
import { randomF32 } from "../../tools/gpu/random.ts";
import { F32_TOLERANCE } from "../../tools/gpu/tolerances.ts";

const device = await testDevice();
const rowsOf = (count: number) =>
  Array.from({ length: count }, (_, position) => ({ sequence: 0, position, token: 0 }));

describe.each([
  { columns: 4, samples: [0] },
  { columns: 252, samples: [2, 0] },
  { columns: 256, samples: [1] },
  { columns: 260, samples: [4, 1, 3] },
  { columns: 2048, samples: [0, 1, 2, 3, 4] },
])("rms_norm of $columns columns, rows $samples", ({ columns, samples }) => {
  describe.each(rowVariants(device))("$name", ({ features }) => {
    test.each([
      [1e-6, "samples"],
      [1e-1, "samples"],
      [1e-6, "rows"],
    ] as const)("GPU agrees with the reference, eps %f, all %s", async (epsilon, of) => {
      const params = { rows: rowsOf(5), samples, splits: 1, splitPositions: 1 };
      const x = randomF32(5 * columns, 1);
      const weight = randomF32(columns, 2);
      const shape = { columns, epsilon, of };
      const output = { output: params[of].length * columns };
      const kernel = rmsNormKernel(shape, features);
      const [out] = await run(device, kernel, [x, weight, output], params);
      expectClose(out!, rmsNormReference(x, weight, shape, params), F32_TOLERANCE);
    });
  });
});

test("the reference, by hand: 3 and 4 have a root mean square of sqrt(12.5)", () => {
  const x = Float32Array.of(9, 9, 3, 4);
  const shape = { columns: 2, epsilon: 0, of: "samples" } as const;
  const params = { rows: rowsOf(2), samples: [1], splits: 1, splitPositions: 1 };
  const out = rmsNormReference(x, Float32Array.of(1, 2), shape, params);
  expect(out[0]).toBeCloseTo(3 / Math.sqrt(12.5), 6);
  expect(out[1]).toBeCloseTo(8 / Math.sqrt(12.5), 6);
});
