/**
 * The variants of a shard's kernels: the first guess, and for shards worth it the
 * matrices' variants by measurement. What was measured is kept for the device, so
 * that the next shard of such formats starts at once.
 */
import { acceptsInt8, type Activations } from "../kernels/mat.ts";
import { shaderFeatures } from "../kernels/runner-device.ts";
import { tunedLine, tuneMat, type TuneJob, type Tuned } from "../kernels/tune.ts";
import { fasterHalves } from "../kernels/tune-halves.ts";
import { isNarrow } from "../kernels/tune-width.ts";
import { MAX_ROWS } from "../kernels/step-uniform.ts";
import type { ShardDescription, TensorInfo } from "../model/description.ts";
import type { BlockFormat } from "../tensor/block-format.ts";
import { shardWeightBytes } from "./layer-weights.ts";
import type { LoadProgress, ShardOptions } from "./types.ts";
import { firstVariants, type DeviceTraits, type EngineVariants } from "./variants.ts";

/** All measurements of a load, compiling included. */
const TUNE_BUDGET_MS = 3000;
/** A smaller shard's steps are over before a better variant could matter. */
const WORTH_TUNING_BYTES = 16 * 1024 * 1024;

/** Rows of a head that are measured; all of them would take as long as the layers together. */
const HEAD_ROWS = 8192;

type Known = { readonly traits: Promise<DeviceTraits>; readonly tuned: Map<string, Tuned> };
const known = new WeakMap<GPUDevice, Known>();

export async function chooseVariants(
  device: GPUDevice,
  shard: ShardDescription,
  options: ShardOptions,
  onProgress: (progress: LoadProgress) => void,
): Promise<{ variants: EngineVariants; lines: readonly string[] }> {
  const { nudge } = options;
  const memory = known.get(device) ?? {
    traits: measureTraits(device, nudge),
    tuned: new Map<string, Tuned>(),
  };
  known.set(device, memory);
  const traits = await memory.traits;
  const { narrow, halves } = traits;
  const first = firstVariants(shaderFeatures(device), traits);
  const jobs = shardWeightBytes(shard) < WORTH_TUNING_BYTES ? [] : tuneJobs(shard, options);
  const missing = jobs.filter((job) => !memory.tuned.has(jobKey(job)));
  if (missing.length > 0) {
    const tuned = await tuneMat(device, {
      jobs: missing,
      budgetMs: TUNE_BUDGET_MS,
      prefillTokens: MAX_ROWS,
      narrow,
      nudge,
      onProgress: (doneBytes, totalBytes) => onProgress({ phase: "tuning", doneBytes, totalBytes }),
    });
    for (const one of tuned) memory.tuned.set(jobKey(one.job), one);
  }
  const chosen = jobs.map((job) => memory.tuned.get(jobKey(job))!);
  const { kind, lanes } = first.decodeAttention;
  return {
    variants: { ...first, mat: measuredChoice(chosen, first.mat) },
    lines: [
      `${narrow ? "narrow" : "wide"} adapter: attention by ${kind}, ${lanes} lanes merged, f16 pairs ${halves === "shifted" ? "by shifts" : "by the builtin"}`,
      ...chosen.map(tunedLine),
    ],
  };
}

async function measureTraits(device: GPUDevice, nudge: boolean): Promise<DeviceTraits> {
  const narrow = await isNarrow(device, nudge);
  return { narrow, halves: narrow ? await fasterHalves(device, nudge) : "builtin" };
}

/** How much faster int8 must be than floats: its rounding is a dispatch of its own. */
const ROUNDING_COST = 1.1;

/** The faster of float and int8 where both were measured; the guess where nothing was. */
function measuredChoice(
  tuned: readonly Tuned[],
  first: EngineVariants["mat"],
): EngineVariants["mat"] {
  return (format, workload, mayRound) => {
    const measured = (activations: Activations) => {
      const found = tuned.find(
        ({ job }) => job.format === format && job.activations === activations,
      );
      const best = found?.workloads[workload].timings[0];
      return best === undefined ? null : { activations, ...best };
    };
    const float = measured("float");
    const int8 = mayRound ? measured("int8") : null;
    if (int8 !== null && int8.macsPerMs > ROUNDING_COST * (float?.macsPerMs ?? 0)) return int8;
    return float ?? first(format, workload, mayRound);
  };
}

const jobKey = ({ format, activations, rows, columns }: TuneJob) =>
  `${format} ${activations} ${rows}x${columns}`;

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
