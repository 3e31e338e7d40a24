/**
 * The variants of a shard's kernels: the first guess, and for shards worth it the
 * matrices' variants and the rows of a chunk by measurement. What was measured is kept,
 * so that the next shard of such shapes starts at once.
 */
import { acceptsInt8 } from "../kernels/mat.ts";
import type { Workload } from "../kernels/mat-variants.ts";
import { shaderFeatures } from "../kernels/runner-device.ts";
import { tunedLine, tuneMat, unmeasured, type TuneJob, type Tuned } from "../kernels/tune.ts";
import { CHUNKS, fastestChunk, type Chunk } from "../kernels/tune-chunk.ts";
import { fasterHalves } from "../kernels/tune-halves.ts";
import { isNarrow } from "../kernels/tune-width.ts";
import type { ShardDescription, TensorInfo } from "../model/description.ts";
import type { BlockFormat } from "../tensor/block-format.ts";
import { layerTensors, shardWeightBytes } from "./layer-weights.ts";
import { measuredChoice } from "./measured-choice.ts";
import type { LoadProgress, ShardOptions } from "./types.ts";
import { TuningMemory } from "./tuning-memory.ts";
import { firstVariants, type DeviceTraits, type EngineVariants } from "./variants.ts";

/** All measurements of a load, compiling included. */
const TUNE_BUDGET_MS = 3000;
/** A smaller shard's steps are over before a better variant could matter. */
const WORTH_TUNING_BYTES = 16 * 1024 * 1024;

/** Rows of a head that are measured; all of them would take as long as the layers together. */
const HEAD_ROWS = 8192;

/** Of them, what finding the rows of a chunk may take. */
const CHUNK_BUDGET_MS = 400;

/** What a shard runs, and how many rows of a prompt its steps take. */
export type ChosenVariants = {
  readonly variants: EngineVariants;
  readonly maxRows: number;
  /** For people: what won, and by how much. */
  readonly lines: readonly string[];
};

export async function chooseVariants(
  device: GPUDevice,
  shard: ShardDescription,
  options: ShardOptions,
  onProgress: (progress: LoadProgress) => void,
): Promise<ChosenVariants> {
  const { nudge } = options;
  const end = performance.now() + TUNE_BUDGET_MS;
  const features = shaderFeatures(device);
  const memory = await TuningMemory.of(device);
  const traits = (memory.traits ??= await measureTraits(device, nudge));
  const { narrow, halves } = traits;
  const first = firstVariants(features, traits, shard.model);
  const jobs = shardWeightBytes(shard) < WORTH_TUNING_BYTES ? [] : tuneJobs(shard, options);
  const missing = jobs.flatMap((job) => {
    const workloads = job.workloads.filter((workload) => memory.find(job, workload) === null);
    return workloads.length === 0 ? [] : [{ ...job, workloads }];
  });
  if (missing.length > 0) {
    const tuned = await tuneMat(device, {
      jobs: missing,
      budgetMs: end - performance.now() - CHUNK_BUDGET_MS,
      prefillTokens: CHUNKS[0],
      narrow,
      nudge,
      onProgress: (doneBytes, totalBytes) => onProgress({ phase: "tuning", doneBytes, totalBytes }),
    });
    for (const { job, workloads } of tuned) {
      for (const workload of job.workloads) memory.add(job, workload, workloads[workload]);
    }
  }
  const chosen = jobs.map((job): Tuned => {
    const of = (workload: Workload) =>
      memory.find(job, workload) ?? unmeasured(job, workload, features, narrow);
    return { job, workloads: { decode: of("decode"), batch: of("batch"), prefill: of("prefill") } };
  });
  const mat = measuredChoice(chosen, first.mat);
  const maxRows = await chunkRows(device, memory, shard, chosen, mat, nudge);
  await memory.keep();
  return {
    variants: { ...first, mat },
    maxRows,
    lines: [
      deviceLine(narrow, halves, first, maxRows),
      ...(jobs.length > 0 ? chosen.map(tunedLine) : [UNTUNED]),
    ],
  };
}

const UNTUNED = "matrices by first guess: these layers are too few for a measurement to pay";

function deviceLine(
  narrow: boolean,
  halves: DeviceTraits["halves"],
  { decodeAttention, prefillAttention }: EngineVariants,
  maxRows: number,
): string {
  const kinds = [...new Set([decodeAttention.kind, prefillAttention.kind])].join(" and ");
  const unpacked = halves === "shifted" ? "shifts" : "the builtin";
  return `${narrow ? "narrow" : "wide"} adapter: attention by ${kinds}, f16 pairs by ${unpacked}, prompts by ${maxRows} rows`;
}

async function measureTraits(device: GPUDevice, nudge: boolean): Promise<DeviceTraits> {
  const narrow = await isNarrow(device, nudge);
  return { narrow, halves: narrow ? await fasterHalves(device, nudge) : "builtin" };
}

/** Rows of a prompt's chunk: measured once for a shape, the least where nothing was measured. */
async function chunkRows(
  device: GPUDevice,
  memory: TuningMemory,
  shard: ShardDescription,
  tuned: readonly Tuned[],
  mat: EngineVariants["mat"],
  nudge: boolean,
): Promise<Chunk> {
  const size = ({ job }: Tuned) => job.rows * job.columns;
  const candidates = tuned.filter(({ job, workloads }) => {
    const runs = mat(job.format, "prefill", true).activations === job.activations;
    return runs && workloads.prefill.timings.length > 0;
  });
  const largest = candidates.sort((a, b) => size(b) - size(a))[0];
  const fastest = largest?.workloads.prefill.timings[0];
  if (largest === undefined || fastest === undefined) return CHUNKS[0];
  const { job } = largest;
  const macsPerRow = layerMacs(shard);
  const key = `${job.format} ${job.activations} ${job.rows}x${job.columns} of ${macsPerRow}`;
  const known = memory.chunks.get(key);
  if (known !== undefined) return known;
  const rows = await fastestChunk(device, {
    job,
    ...fastest,
    macsPerRow,
    budgetMs: CHUNK_BUDGET_MS,
    nudge,
  });
  memory.chunks.set(key, rows);
  return rows;
}

/** Multiply-accumulates of one row in all layers. */
function layerMacs({ layers }: ShardDescription): number {
  return layers.flatMap(layerTensors).reduce((sum, { rows, columns }) => sum + rows * columns, 0);
}

/**
 * Jobs for each format: with floats, and with int8 where it may be used; the layers' largest shape
 * of it. The head's format counts only where no layer has it.
 */
function tuneJobs({ layers, head }: ShardDescription, { activations }: ShardOptions): TuneJob[] {
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
