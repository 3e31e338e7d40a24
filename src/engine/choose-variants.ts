/**
 * The variants of a shard's kernels: a first guess to start with, and for shards worth it
 * the matrices' variants and the rows of a chunk by measurement. What was measured is kept,
 * so that the next shard of such shapes starts with it.
 */
import { acceptsInt8 } from "../kernels/mat.ts";
import type { Workload } from "../kernels/mat-variants.ts";
import { shaderFeatures } from "../kernels/runner-device.ts";
import { tunedLine, tuneMat, unmeasured, type TuneJob, type Tuned } from "../kernels/tune.ts";
import { CHUNKS, fastestChunk, type Chunk } from "../kernels/tune-chunk.ts";
import type { TuneClock } from "../kernels/tune-clock.ts";
import { fasterHalves } from "../kernels/tune-halves.ts";
import { isNarrow } from "../kernels/tune-width.ts";
import type { ShardDescription, TensorInfo } from "../model/description.ts";
import type { BlockFormat } from "../tensor/block-format.ts";
import { layerTensors, shardWeightBytes } from "./layer-weights.ts";
import { measuredChoice } from "./measured-choice.ts";
import type { ShardOptions } from "./types.ts";
import { TuningMemory } from "./tuning-memory.ts";
import { firstVariants, type DeviceTraits, type EngineVariants } from "./variants.ts";

/** All measurements of a shard, compiling included. */
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
  readonly maxRows: Chunk;
  /** For people: what won, and by how much. */
  readonly lines: readonly string[];
  /** Whether a measurement may still change it. */
  readonly final: boolean;
};

/** From what is known of the device and was measured before; about half a second for a new device. */
export async function chooseVariants(
  device: GPUDevice,
  shard: ShardDescription,
  options: ShardOptions,
): Promise<ChosenVariants> {
  const memory = await TuningMemory.of(device);
  memory.traits ??= await measureTraits(device, options.nudge);
  return chosenFrom(memory, memory.traits, device, shard, options);
}

/**
 * Measures what `chooseVariants` did not know, within a budget, and keeps it. Rejects when the
 * clock does.
 */
export async function measureVariants(
  device: GPUDevice,
  shard: ShardDescription,
  options: ShardOptions,
  clock: TuneClock,
  onProgress: (done: number, total: number) => void,
): Promise<ChosenVariants> {
  const { nudge } = options;
  const end = clock.now() + TUNE_BUDGET_MS;
  const memory = await TuningMemory.of(device);
  const traits = (memory.traits ??= await measureTraits(device, nudge));
  const missing = missingJobs(memory, shard, options);
  if (missing.length > 0) {
    const tuned = await tuneMat(device, {
      jobs: missing,
      budgetMs: end - clock.now() - CHUNK_BUDGET_MS,
      prefillTokens: CHUNKS[0],
      narrow: traits.narrow,
      nudge,
      clock,
      onProgress,
    });
    for (const { job, workloads } of tuned) {
      for (const workload of job.workloads) memory.add(job, workload, workloads[workload]);
    }
  }
  const { chunk } = chosenFrom(memory, traits, device, shard, options);
  if (chunk !== null && !memory.chunks.has(chunk.key)) {
    const rows = await fastestChunk(device, { ...chunk, budgetMs: CHUNK_BUDGET_MS, nudge, clock });
    memory.chunks.set(chunk.key, rows);
  }
  await memory.keep();
  return chosenFrom(memory, traits, device, shard, options);
}

function chosenFrom(
  memory: TuningMemory,
  traits: DeviceTraits,
  device: GPUDevice,
  shard: ShardDescription,
  options: ShardOptions,
): ChosenVariants & { readonly chunk: ReturnType<typeof chunkJob> } {
  const features = shaderFeatures(device);
  const first = firstVariants(features, traits, shard.model);
  const known = tuneJobs(shard, options).map((job): Tuned => {
    const of = (workload: Workload) =>
      memory.find(job, workload) ?? unmeasured(job, workload, features, traits.narrow);
    return { job, workloads: { decode: of("decode"), batch: of("batch"), prefill: of("prefill") } };
  });
  const mat = measuredChoice(known, first.mat);
  const chunk = chunkJob(shard, known, mat);
  const measuredRows = chunk === null ? CHUNKS[0] : memory.chunks.get(chunk.key);
  const maxRows = measuredRows ?? CHUNKS[0];
  return {
    variants: { ...first, mat },
    maxRows,
    lines: [
      deviceLine(traits, first, maxRows),
      ...(known.length > 0 ? known.map(tunedLine) : [UNTUNED]),
    ],
    final: measuredRows !== undefined && missingJobs(memory, shard, options).length === 0,
    chunk,
  };
}

/** What has not been measured yet. */
function missingJobs(
  memory: TuningMemory,
  shard: ShardDescription,
  options: ShardOptions,
): TuneJob[] {
  return tuneJobs(shard, options).flatMap((job) => {
    const workloads = job.workloads.filter((workload) => memory.find(job, workload) === null);
    return workloads.length === 0 ? [] : [{ ...job, workloads }];
  });
}

const UNTUNED = "matrices by first guess: these layers are too few for a measurement to pay";

function deviceLine(
  { narrow, halves }: DeviceTraits,
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

/** The largest product of a prompt's step that was measured, and the key of its chunk's rows. */
function chunkJob(shard: ShardDescription, tuned: readonly Tuned[], mat: EngineVariants["mat"]) {
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

/**
 * Jobs for each format: with floats, and with int8 where it may be used; the layers' largest shape
 * of it. The head's format counts only where no layer has it.
 */
function tuneJobs(shard: ShardDescription, { activations }: ShardOptions): TuneJob[] {
  const { layers, head } = shard;
  if (shardWeightBytes(shard) < WORTH_TUNING_BYTES) return [];
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
