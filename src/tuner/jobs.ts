/** Which of a shard's products are worth measuring. Pure. */
import {
  acceptsInt8,
  type KernelVariants,
  type MatrixShape,
  type MatVariant,
  type ShardWork,
  type Workload,
  WORKLOADS,
} from "../kernels/index.ts";
import type { MatJob } from "./mat-bench.ts";

/** One format with one kind of activations in one kind of step. */
export type TuneJob = MatJob & { readonly workload: Workload };

/** A variant's rate, by which floats and int8 are compared. */
export type Timing = { readonly variant: MatVariant; readonly macsPerMs: number };

/** The timings of variants whose results agreed with the reference, fastest first. */
export type Measured = { readonly job: TuneJob; readonly timings: readonly Timing[] };

/** A smaller shard's steps are too short for a better variant to matter. */
const MIN_TUNED_BYTES = 16 * 1024 * 1024;

/** Rows that are measured: more would take longer and say the same. */
const MAX_ROWS = 8192;

/**
 * Jobs for each format, with floats and, where it may be used, with int8, on the largest shape of
 * that format in the layers. The head's format counts only where no layer has it.
 */
export function tuneJobs(
  { products, head, activations, weightBytes }: Omit<ShardWork, "attention">,
  norms: KernelVariants["norms"],
): TuneJob[] {
  if (weightBytes < MIN_TUNED_BYTES) return [];
  const largest = new Map<string, MatrixShape>();
  for (const product of products) {
    const before = largest.get(product.format);
    if (before === undefined || before.rows * before.columns < product.rows * product.columns) {
      largest.set(product.format, product);
    }
  }
  const jobsOf = (shape: MatrixShape, mayRound: boolean, workloads = WORKLOADS) => {
    const { format, columns } = shape;
    const rows = Math.min(shape.rows, MAX_ROWS);
    const rounds = mayRound && activations === "int8" && acceptsInt8(format);
    const kinds = rounds ? (["float", "int8"] as const) : (["float"] as const);
    return kinds.flatMap((kind) =>
      workloads.map((workload) => ({ format, rows, columns, activations: kind, workload })),
    );
  };
  const jobs = [...largest.values()].flatMap((shape) => jobsOf(shape, true));
  if (head === null || largest.has(head.format)) return jobs;
  // Software adapters do not round the head's input.
  return [...jobs, ...jobsOf(head, norms === "separate", ["decode", "batch"])];
}
