/**
 * The shapes on which real GPUs are compared: a model's products, one row and a prompt's, and its norms.
 * `npm run bench -- kernels` runs these where the browsers use the machine's GPU.
 */
import type { BenchCase } from "./cases.ts";

const format = "Q4_0";

/** Rows x columns of one row's products, of models from 135M to 8B. */
const DECODE_SHAPES = [
  [960, 576],
  [3072, 576],
  [576, 1536],
  [3072, 2048],
  [16_384, 2048],
  [2048, 8192],
  [28_672, 4096],
  [4096, 14_336],
] as const;

const PREFILL_SHAPES = [[576, 576], ...DECODE_SHAPES.filter(([rows]) => rows !== 960)] as const;
const PREFILL_TOKENS = [64, 256, 512];

const NORM_COLUMNS = [576, 2048, 4096];

export const GPU_CASES: readonly BenchCase[] = [
  ...NORM_COLUMNS.flatMap((columns) =>
    [1, 512].map((tokens): BenchCase => ({ kind: "norms", columns, tokens })),
  ),
  ...(["int8", "float"] as const).flatMap((activations) => [
    ...DECODE_SHAPES.map(([rows, columns]): BenchCase => {
      const shape = { format, rows, columns, activations } as const;
      return { kind: "product", ...shape, tokens: 1, workload: "decode" };
    }),
    ...PREFILL_SHAPES.flatMap(([rows, columns]) =>
      PREFILL_TOKENS.map((tokens): BenchCase => {
        const shape = { format, rows, columns, activations } as const;
        return { kind: "product", ...shape, tokens, workload: "prefill" };
      }),
    ),
  ]),
];
