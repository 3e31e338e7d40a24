/**
 * The variants of a shard's kernels: a first guess to start with, and for shards worth it
 * the matrices' and attention's variants and the rows of a chunk by measurement. What was
 * measured is kept, so that the next shard of such shapes starts with it.
 */
import type { AttentionShape } from "../kernels/attention-shape.ts";
import {
  attentionCandidates,
  ATTENTION_USES,
  firstAttention,
  type AttentionUse,
} from "../kernels/attention-variants.ts";
import type { Workload } from "../kernels/mat-variant.ts";
import { shaderFeatures, type ShaderFeatures } from "../kernels/runner-device.ts";
import { tunedLine, tuneMat, unmeasured, type TuneJob, type Tuned } from "../kernels/tune.ts";
import {
  attentionLine,
  tuneAttention,
  unmeasuredAttention,
  type AttentionJob,
} from "../kernels/tune-attention.ts";
import { CHUNKS, fastestChunk, type Chunk } from "../kernels/tune-chunk.ts";
import type { TuneClock } from "../kernels/tune-clock.ts";
import { fasterHalves } from "../kernels/tune-halves.ts";
import { isNarrow } from "../kernels/tune-width.ts";
import type { ShardDescription } from "../model/description.ts";
import { measuredChoice } from "./measured-choice.ts";
import { attentionShape } from "./shard-shape.ts";
import { chunkJob, isWorthTuning, tuneJobs } from "./tune-jobs.ts";
import type { ShardOptions } from "./types.ts";
import { TuningMemory } from "./tuning-memory.ts";
import {
  cacheSegments,
  firstVariants,
  type DeviceTraits,
  type EngineVariants,
} from "./variants.ts";

/** All measurements of a shard, compiling included. */
const TUNE_BUDGET_MS = 3000;
/** Of them, what finding the rows of a chunk may take. */
const CHUNK_BUDGET_MS = 400;
/** With less, what is not measured waits for the next load: a kernel compiles for a second on software adapters. */
const WORTH_STARTING_MS = 500;

/** What a shard runs, and how many rows of a prompt its steps take. */
export type ChosenVariants = {
  readonly variants: EngineVariants;
  /** The same whatever is measured later: a cache is cut by it. */
  readonly shape: AttentionShape;
  readonly maxRows: Chunk;
  /** What a measurement may raise it to. */
  readonly mostRows: Chunk;
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
  return chosenFrom(await knownOf(device, shard, options));
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
  const known = await knownOf(device, shard, options);
  const { memory, traits, shape } = known;
  const missing = missingJobs(known);
  const attention = missingAttention(known);
  let total = workloadCount(missing) + attention.length + workloadCount(unfinishedJobs(known));
  let done = 0;
  const oneMore = () => onProgress(++done, total);
  const tuneProducts = async (jobs: readonly TuneJob[], budgetMs: number) => {
    const options = { prefillTokens: CHUNKS[0], narrow: traits.narrow, nudge, clock };
    const tuned = await tuneMat(device, { ...options, jobs, budgetMs, onProgress: oneMore });
    for (const { job, workloads } of tuned) {
      for (const workload of job.workloads) memory.add(job, workload, workloads[workload]);
    }
  };
  await tuneProducts(missing, end - clock.now() - CHUNK_BUDGET_MS);
  const { chunk } = chosenFrom(known);
  if (chunk !== null && !memory.chunks.has(chunk.key)) {
    const rows = await fastestChunk(device, { ...chunk, budgetMs: CHUNK_BUDGET_MS, nudge, clock });
    memory.chunks.set(chunk.key, rows);
  }
  // The last get what the others have left; where that is little, the next load goes on.
  const leftMs = () => end - clock.now();
  if (attention.length > 0 && leftMs() >= WORTH_STARTING_MS) {
    const options = { shape, jobs: attention, budgetMs: leftMs(), nudge, clock };
    const tuned = await tuneAttention(device, { ...options, onProgress: oneMore });
    attention.forEach(({ use }, i) => memory.addAttention(shape, use, tuned[i]!));
  }
  if (leftMs() >= WORTH_STARTING_MS) {
    const unfinished = unfinishedJobs(known);
    total = done + workloadCount(unfinished);
    await tuneProducts(unfinished, leftMs());
  }
  await memory.keep();
  return chosenFrom(known);
}

/** What is known when a shard is loaded; more, as measurements are added to the memory. */
type Known = {
  readonly shard: ShardDescription;
  readonly options: ShardOptions;
  readonly memory: TuningMemory;
  readonly traits: DeviceTraits;
  readonly features: ShaderFeatures;
  readonly shape: AttentionShape;
};

async function knownOf(
  device: GPUDevice,
  shard: ShardDescription,
  options: ShardOptions,
): Promise<Known> {
  const memory = await TuningMemory.of(device);
  const traits = (memory.traits ??= await measureTraits(device, options.nudge));
  const segments = cacheSegments(traits);
  const shape = attentionShape(device.limits, shard.model, options.contextTokens, segments);
  return { shard, options, memory, traits, features: shaderFeatures(device), shape };
}

function chosenFrom(
  known: Known,
): ChosenVariants & { readonly chunk: ReturnType<typeof chunkJob> } {
  const { shard, options, memory, traits, features, shape } = known;
  const first = firstVariants(features, traits, shape);
  const products = tuneJobs(shard, options).map((job): Tuned => {
    const of = (workload: Workload) =>
      memory.find(job, workload) ?? unmeasured(job, workload, features, traits.narrow);
    return { job, workloads: { decode: of("decode"), batch: of("batch"), prefill: of("prefill") } };
  });
  const attention = (use: AttentionUse) =>
    memory.findAttention(shape, use) ??
    unmeasuredAttention(firstAttention(use, shape, features, traits));
  const [decode, prefill] = [attention("decode"), attention("prefill")];
  const mat = measuredChoice(products, first.mat);
  const chunk = chunkJob(shard, products, mat);
  const measuredRows =
    products.length === 0 ? CHUNKS[0] : chunk === null ? undefined : memory.chunks.get(chunk.key);
  const maxRows = measuredRows ?? CHUNKS[0];
  const missing = [missingJobs, missingAttention, unfinishedJobs].some(
    (jobs) => jobs(known).length > 0,
  );
  return {
    variants: { ...first, mat, decodeAttention: decode.winner, prefillAttention: prefill.winner },
    shape,
    maxRows,
    lines: [
      deviceLine(traits, maxRows),
      attentionLine(shape, { decode, prefill }),
      ...(products.length > 0 ? products.map(tunedLine) : [UNTUNED]),
    ],
    mostRows: measuredRows ?? CHUNKS.at(-1)!,
    final: measuredRows !== undefined && !missing,
    chunk,
  };
}

/** What has not been measured yet of the products. */
function missingJobs({ memory, shard, options }: Known): TuneJob[] {
  return tuneJobs(shard, options).flatMap((job) => {
    const workloads = job.workloads.filter((workload) => memory.find(job, workload) === null);
    return workloads.length === 0 ? [] : [{ ...job, workloads }];
  });
}

/** The same of the attention. */
function missingAttention({ shard, memory, traits, features, shape }: Known): AttentionJob[] {
  if (!isWorthTuning(shard)) return [];
  return ATTENTION_USES.filter((use) => memory.findAttention(shape, use) === null).map((use) => ({
    use,
    first: firstAttention(use, shape, features, traits),
    candidates: attentionCandidates(use, shape, features, traits.halves),
  }));
}

/** What has been, but not all of its candidates. */
function unfinishedJobs({ memory, shard, options }: Known): TuneJob[] {
  return tuneJobs(shard, options).flatMap((job) => {
    const found = job.workloads.flatMap((workload) => {
      const before = memory.find(job, workload);
      return before !== null && before.untried.length > 0 ? [[workload, before] as const] : [];
    });
    const workloads = found.map(([workload]) => workload);
    return found.length === 0 ? [] : [{ ...job, workloads, before: Object.fromEntries(found) }];
  });
}

const workloadCount = (jobs: readonly TuneJob[]) =>
  jobs.reduce((sum, { workloads }) => sum + workloads.length, 0);

const UNTUNED = "all by first guess: these layers are too few for a measurement to pay";

function deviceLine({ narrow, halves }: DeviceTraits, maxRows: number): string {
  const unpacked = halves === "shifted" ? "shifts" : "the builtin";
  return `${narrow ? "narrow" : "wide"} adapter: f16 pairs by ${unpacked}, prompts by ${maxRows} rows`;
}

async function measureTraits(device: GPUDevice, nudge: boolean): Promise<DeviceTraits> {
  const narrow = await isNarrow(device, nudge);
  return { narrow, halves: narrow ? await fasterHalves(device, nudge) : "builtin" };
}
