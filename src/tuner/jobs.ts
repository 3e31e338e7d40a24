/** Which of a shard's kernels are worth tuning: its products, and the rows of a chunk. Pure. */
import {
  acceptsInt8,
  type KernelVariants,
  type MatrixShape,
  type ShardWork,
  WORKLOADS,
} from "../kernels/index.ts";
import type { TuneJob, Tuned } from "./tune-mat.ts";

/** A smaller shard's steps are too short for a better variant to matter. */
const MIN_TUNED_BYTES = 16 * 1024 * 1024;

/** Rows that are measured, of heads and on GPUs of all matrices: more would take longer and say the same. */
const MAX_ROWS = 8192;

const isWorthTuning = ({ weightBytes }: Pick<ShardWork, "weightBytes">) =>
  weightBytes >= MIN_TUNED_BYTES;

/**
 * Jobs for each format, with floats and, where it may be used, with int8, on the largest shape of
 * that format in the layers. The head's format counts only where no layer has it.
 */
export function tuneJobs(
  work: Omit<ShardWork, "attention">,
  norms: KernelVariants["norms"],
): TuneJob[] {
  if (!isWorthTuning(work)) return [];
  const { products, head, activations } = work;
  const mayRound = ({ format }: MatrixShape) => activations === "int8" && acceptsInt8(format);
  const largest = new Map<string, (typeof products)[number]>();
  for (const product of products) {
    const before = largest.get(product.format);
    if (before === undefined || before.rows * before.columns < product.rows * product.columns) {
      largest.set(product.format, product);
    }
  }
  const jobs = [...largest.values()].flatMap((shape): TuneJob[] => {
    const rows = norms === "separate" ? Math.min(shape.rows, MAX_ROWS) : shape.rows;
    const float = { ...shape, rows, activations: "float", workloads: WORKLOADS } as const;
    return mayRound(shape) ? [float, { ...float, activations: "int8" }] : [float];
  });
  if (head !== null && !largest.has(head.format)) {
    const rows = Math.min(head.rows, MAX_ROWS);
    const float: TuneJob = { ...head, rows, activations: "float", workloads: ["decode"] };
    jobs.push(float);
    // Software adapters do not round the head's input.
    if (norms === "separate" && mayRound(head)) jobs.push({ ...float, activations: "int8" });
  }
  return jobs;
}

/** The largest measured product of a prompt's step, and the key of its chunk's rows. */
export function chunkJob(
  { products }: ShardWork,
  tuned: readonly Tuned[],
  mat: KernelVariants["mat"],
) {
  const size = ({ job }: Tuned) => job.rows * job.columns;
  const candidates = tuned.filter(({ job, workloads }) => {
    const isUsed = mat(job.format, "prefill", true).activations === job.activations;
    return isUsed && workloads.prefill.timings.length > 0;
  });
  const largest = candidates.sort((a, b) => size(b) - size(a))[0];
  const fastest = largest?.workloads.prefill.timings[0];
  if (largest === undefined || fastest === undefined) return null;
  const { job } = largest;
  const macsPerRow = products.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const key = `${job.format} ${job.activations} ${job.rows}x${job.columns} of ${macsPerRow}`;
  return { job, ...fastest, macsPerRow, key };
}
