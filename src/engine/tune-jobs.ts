/** What of a shard is worth a measurement: its products, and the rows of a chunk. Pure. */
import { acceptsInt8 } from "../kernels/mat-variant.ts";
import type { TuneJob, Tuned } from "../kernels/tune.ts";
import type { ShardDescription, TensorInfo } from "../model/description.ts";
import type { BlockFormat } from "../tensor/block-format.ts";
import { layerTensors, shardWeightBytes } from "./layer-weights.ts";
import type { ShardOptions } from "./types.ts";
import type { EngineVariants } from "./variants.ts";

/** A smaller shard's steps are over before a better variant could matter. */
const WORTH_TUNING_BYTES = 16 * 1024 * 1024;

/** Rows of a head that are measured; all of them would take as long as the layers together. */
const HEAD_ROWS = 8192;

export const isWorthTuning = (shard: ShardDescription) =>
  shardWeightBytes(shard) >= WORTH_TUNING_BYTES;

/**
 * Jobs for each format: with floats, and with int8 where it may be used; the layers' largest shape
 * of it. The head's format counts only where no layer has it.
 */
export function tuneJobs(shard: ShardDescription, { activations }: ShardOptions): TuneJob[] {
  const { layers, head } = shard;
  if (!isWorthTuning(shard)) return [];
  const shapes = new Map<BlockFormat, { rows: number; columns: number }>();
  const add = ({ format, columns }: TensorInfo, rows: number) => {
    const before = shapes.get(format);
    if (before === undefined || before.rows * before.columns < rows * columns) {
      shapes.set(format, { rows, columns });
    }
  };
  for (const layer of layers) {
    const { query, key, value, attentionOutput, gate, up, down } = layer;
    for (const tensor of [query, key, value, attentionOutput, up, down]) add(tensor, tensor.rows);
    add(gate, 2 * gate.rows);
  }
  const jobs = [...shapes].flatMap(([format, shape]): TuneJob[] => [
    { format, activations: "float", ...shape, workloads: ["decode", "batch", "prefill"] },
    ...(activations === "int8" && acceptsInt8(format)
      ? ([
          { format, activations: "int8", ...shape, workloads: ["decode", "batch", "prefill"] },
        ] as const)
      : []),
  ]);
  if (head !== null && !shapes.has(head.format)) {
    const { format, rows, columns } = head;
    const some = Math.min(rows, HEAD_ROWS);
    jobs.push({ format, activations: "float", rows: some, columns, workloads: ["decode"] });
  }
  return jobs;
}

/** The largest product of a prompt's step that was measured, and the key of its chunk's rows. */
export function chunkJob(
  shard: ShardDescription,
  tuned: readonly Tuned[],
  mat: EngineVariants["mat"],
) {
  const size = ({ job }: Tuned) => job.rows * job.columns;
  const candidates = tuned.filter(({ job, workloads }) => {
    const runs = mat(job.format, "prefill", true).activations === job.activations;
    return runs && workloads.prefill.timings.length > 0;
  });
  const largest = candidates.sort((a, b) => size(b) - size(a))[0];
  const fastest = largest?.workloads.prefill.timings[0];
  if (largest === undefined || fastest === undefined) return null;
  const { job } = largest;
  const macsPerRow = layerMacs(shard);
  const key = `${job.format} ${job.activations} ${job.rows}x${job.columns} of ${macsPerRow}`;
  return { job, ...fastest, macsPerRow, key };
}

/** Multiply-accumulates of one row in all layers. */
function layerMacs({ layers }: ShardDescription): number {
  return layers.flatMap(layerTensors).reduce((sum, { rows, columns }) => sum + rows * columns, 0);
}
