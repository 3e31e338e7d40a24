/**
 * The variants of a shard's kernels: the first guess, and for shards worth it the
 * matrices' variants by measurement. What was measured is kept for the device, so
 * that the next shard of such formats starts at once.
 */
import { acceptsInt8 } from "../kernels/mat.ts";
import { shaderFeatures } from "../kernels/runner-device.ts";
import { tunedLine, tuneMat, type TuneJob, type Tuned } from "../kernels/tune.ts";
import { isNarrow } from "../kernels/tune-width.ts";
import { MAX_ROWS } from "../kernels/step-uniform.ts";
import type { ShardDescription, TensorInfo } from "../model/description.ts";
import { shardWeightBytes } from "./layer-weights.ts";
import type { LoadProgress, ShardOptions } from "./types.ts";
import { firstVariants, type EngineVariants } from "./variants.ts";

/** All measurements of a load, compiling included. */
const TUNE_BUDGET_MS = 3000;
/** A smaller shard's steps are over before a better variant could matter. */
const WORTH_TUNING_BYTES = 16 * 1024 * 1024;

type Known = { readonly narrow: Promise<boolean>; readonly tuned: Map<string, Tuned> };
const known = new WeakMap<GPUDevice, Known>();

export async function chooseVariants(
  device: GPUDevice,
  shard: ShardDescription,
  options: ShardOptions,
  onProgress: (progress: LoadProgress) => void,
): Promise<{ variants: EngineVariants; lines: readonly string[] }> {
  const { nudge } = options;
  const memory = known.get(device) ?? {
    narrow: isNarrow(device, nudge),
    tuned: new Map<string, Tuned>(),
  };
  known.set(device, memory);
  const narrow = await memory.narrow;
  const first = firstVariants(shaderFeatures(device), narrow);
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
    variants: {
      ...first,
      mat: (format, activations) =>
        chosen.find(({ job }) => job.format === format && job.activations === activations)
          ?.choice ?? first.mat(format, activations),
    },
    lines: [
      `${narrow ? "narrow" : "wide"} adapter: attention by ${kind}, ${lanes} lanes merged`,
      ...chosen.map(tunedLine),
    ],
  };
}

const jobKey = ({ format, activations, rows, columns }: TuneJob) =>
  `${format} ${activations} ${rows}x${columns}`;

/** One job for each format and kind of activations: the layers' largest shape of it. */
function tuneJobs({ layers }: ShardDescription, { activations }: ShardOptions): TuneJob[] {
  const jobs = new Map<string, TuneJob>();
  const add = ({ format, columns }: TensorInfo, rows: number, kind: TuneJob["activations"]) => {
    const job = { format, activations: kind, rows, columns };
    const before = jobs.get(`${format} ${kind}`);
    if (before === undefined || before.rows * before.columns < rows * columns) {
      jobs.set(`${format} ${kind}`, job);
    }
  };
  for (const layer of layers) {
    // These follow a norm, which rounds to int8; the others' inputs stay floats.
    for (const tensor of [layer.query, layer.key, layer.value, layer.gate, layer.up]) {
      const rounded = activations === "int8" && acceptsInt8(tensor.format);
      const together = tensor === layer.gate ? 2 : 1;
      add(tensor, together * tensor.rows, rounded ? "int8" : "float");
    }
    for (const tensor of [layer.attentionOutput, layer.down]) add(tensor, tensor.rows, "float");
  }
  return [...jobs.values()];
}
