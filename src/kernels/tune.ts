/**
 * Picks the variants of the matrix products of a shard by measurement, on its real
 * shapes, within a budget that counts compiling. Never by a vendor's name.
 *
 * A job is one format with one kind of activations and its largest shape; the
 * first guess (mat-variants.ts) is the answer until something faster is seen, and
 * for what the budget does not reach. A candidate counts only if its results agree
 * with the reference within the tolerance of its arithmetic.
 */
import { rowBytes, type BlockFormat } from "../tensor/block-format.ts";
import { dequantize } from "../tensor/dequantize.ts";
import { randomBlocks } from "../tensor/random-blocks.ts";
import {
  EPILOGUES,
  planMat,
  type Activations,
  type MatChoice,
  type MatInput,
  type MatPlan,
} from "./mat.ts";
import { matReference } from "./mat-reference.ts";
import { variantName, type MatVariant } from "./mat-source.ts";
import { choiceOf, firstVariant, matCandidates, type Workload } from "./mat-variants.ts";
import { quantizeReference } from "./quantize-rows.ts";
import { shaderFeatures } from "./runner-device.ts";
import { upload } from "./runner-once.ts";
import { timeOf, workDone } from "./tune-clock.ts";
import { createWeights, destroyWeights, writeRows } from "./weights.ts";

export type TuneJob = {
  readonly format: BlockFormat;
  readonly activations: Activations;
  readonly rows: number;
  readonly columns: number;
  readonly workloads: readonly Workload[];
};

export type TuneOptions = {
  readonly jobs: readonly TuneJob[];
  readonly budgetMs: number;
  /** Tokens of a prefill chunk. */
  readonly prefillTokens: number;
  readonly narrow: boolean;
  readonly nudge: boolean;
  onProgress?(done: number, total: number): void;
};

export type Tuned = {
  readonly job: TuneJob;
  readonly choice: MatChoice;
  readonly workloads: Readonly<Record<Workload, TunedWorkload>>;
};

export type TunedWorkload = {
  readonly winner: MatVariant;
  /** What was measured, fastest first; empty where the budget ended before. */
  readonly timings: readonly { readonly variant: MatVariant; readonly macsPerMs: number }[];
  /** Candidates whose results disagreed with the reference, or that did not compile. */
  readonly refused: readonly string[];
};

/**
 * How far a candidate's results may be from the reference, over the results' root
 * mean square: summing order for floats, 11-bit products for f16, and for int8
 * activations their rounding alone (the reference rounds too).
 */
const AGREEMENT = { float: 1e-4, float16: 1e-2, int8: 1e-4 };

/** Rows of weights that are made and checked; the matrix repeats them. */
const CHECKED_ROWS = 64;

const WORKLOADS: readonly Workload[] = ["decode", "batch", "prefill"];

/** Measures job by job, decode first; resolves within about `budgetMs`. */
export async function tuneMat(device: GPUDevice, options: TuneOptions): Promise<Tuned[]> {
  const { jobs, budgetMs, prefillTokens } = options;
  const end = performance.now() + budgetMs * FIRST_SHARE;
  const tokens = { decode: 1, batch: 4, prefill: prefillTokens };
  const results = new Map<string, Measured>();
  const total = jobs.reduce((sum, job) => sum + job.workloads.length, 0);
  let done = 0;
  for (const workload of WORKLOADS) {
    for (const [index, job] of jobs.entries()) {
      if (!job.workloads.includes(workload)) continue;
      // What is left is shared by what is still to do.
      const until = performance.now() + (end - performance.now()) / (total - done);
      results.set(
        `${workload} ${index}`,
        await tuneOne(device, job, workload, tokens[workload], until, options),
      );
      options.onProgress?.(++done, total);
    }
  }
  await remeasure([...results.values()]);
  for (const { bench } of results.values()) bench?.destroy();
  return jobs.map((job, index) => {
    const unmeasured = (workload: Workload): TunedWorkload => ({
      winner: firstVariant(
        workload,
        job.activations,
        shaderFeatures(device),
        options.narrow,
        job.format,
      ),
      timings: [],
      refused: [],
    });
    const of = (workload: Workload): TunedWorkload => {
      const result = results.get(`${workload} ${index}`);
      if (result === undefined) return unmeasured(workload);
      const { first, timings, refused } = result;
      return { winner: timings[0]?.variant ?? first, timings, refused };
    };
    const workloads = { decode: of("decode"), batch: of("batch"), prefill: of("prefill") };
    const choice = choiceOf({
      decode: workloads.decode.winner,
      batch: workloads.batch.winner,
      prefill: workloads.prefill.winner,
    });
    return { job, choice, workloads };
  });
}

/** A workload's timings as they are taken, and what takes them. */
type Measured = {
  readonly first: MatVariant;
  readonly refused: string[];
  readonly timings: { readonly variant: MatVariant; macsPerMs: number }[];
  readonly bench: Awaited<ReturnType<typeof makeBench>> | null;
};

/** Of the budget; the rest times the best again. */
const FIRST_SHARE = 0.8;
const ROUNDS = 3;
/** A candidate that is this much slower than the best is not given another chance. */
const CLOSE = 2.5;

const fastestFirst = ({ timings }: Measured) => timings.sort((a, b) => b.macsPerMs - a.macsPerMs);

/**
 * Times what came close again, all workloads and jobs in turns: other work on the machine may
 * have disturbed one of them, and floats and int8 are compared with each other later.
 */
async function remeasure(results: readonly Measured[]): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    for (const result of results) {
      const { timings, bench } = result;
      const least = (timings[0]?.macsPerMs ?? 0) / CLOSE;
      for (const timing of timings.filter(({ macsPerMs }) => macsPerMs >= least)) {
        const ms = await bench!.timeAgain(timing.variant);
        timing.macsPerMs = Math.max(timing.macsPerMs, bench!.macs / ms);
      }
      fastestFirst(result);
    }
  }
}

/** One line for people: what won, and how the others did. */
export function tunedLine({ job, workloads }: Tuned): string {
  const parts = job.workloads.map((workload) => {
    const { winner, timings } = workloads[workload];
    const best = timings[0]?.macsPerMs;
    if (best === undefined) return `${workload}: ${variantName(winner)} (not measured)`;
    const rest = timings
      .slice(1)
      .map((t) => `${variantName(t.variant)} ${(t.macsPerMs / best).toFixed(2)}`);
    const against = rest.length > 0 ? `; ${rest.join(", ")}` : "";
    return `${workload}: ${variantName(winner)} ${(best / 1e6).toFixed(2)} GMAC/s${against}`;
  });
  return `${job.format} ${job.activations} ${job.rows}x${job.columns} ${parts.join(" | ")}`;
}

async function tuneOne(
  device: GPUDevice,
  job: TuneJob,
  workload: Workload,
  tokens: number,
  until: number,
  { narrow, nudge }: TuneOptions,
): Promise<Measured> {
  const features = shaderFeatures(device);
  const first = firstVariant(workload, job.activations, features, narrow, job.format);
  const candidates = [
    first,
    ...matCandidates(workload, job.activations, features, job.format).filter(
      (variant) => variant !== first,
    ),
  ];
  const timings: { variant: MatVariant; macsPerMs: number }[] = [];
  const refused: string[] = [];
  if (performance.now() >= until) return { first, timings, refused, bench: null };
  const bench = await makeBench(device, job, tokens, nudge);
  const result = { first, timings, refused, bench };
  let lastMs = 0;
  for (const variant of candidates) {
    // A candidate takes about as long as the one before, most of it compiling.
    const start = performance.now();
    if (start + lastMs >= until) break;
    const bestMs = timings.length === 0 ? Infinity : bench.macs / timings[0]!.macsPerMs;
    const measured = await bench.measure(variant, bestMs * CLOSE);
    if (typeof measured === "string") refused.push(measured);
    else timings.push({ variant, macsPerMs: bench.macs / measured });
    fastestFirst(result);
    lastMs = performance.now() - start;
  }
  return result;
}

/** A matrix of the job's shape with random weights, and what its first rows should give. */
async function makeBench(device: GPUDevice, job: TuneJob, tokens: number, nudge: boolean) {
  const { format, activations, rows, columns } = job;
  const checked = Math.min(CHECKED_ROWS, rows);
  const bytes = randomBlocks(format, checked * columns, Math.random);
  const weights = createWeights(device, format, rows, columns);
  for (let row = 0; row < rows; row += checked) {
    const count = Math.min(checked, rows - row);
    writeRows(device, weights, row, [bytes.subarray(0, count * rowBytes(format, columns))]);
  }
  const x = Float32Array.from({ length: tokens * columns }, () => Math.random() * 2 - 1);
  const { input, values, buffers } = makeInput(device, activations, x);
  const lastToken = values.subarray((tokens - 1) * columns);
  const shape = { rows: checked, columns, tokens: 1 };
  const expected = matReference(dequantize(format, bytes), lastToken, shape);
  const step = upload(device, new Uint32Array([tokens, 0, 0, 0]), GPUBufferUsage.UNIFORM);
  const out = upload(device, { output: tokens * rows });
  await workDone(device, true);
  const plans = new Map<MatVariant, MatPlan>();
  const time = (variant: MatVariant, runs: number, hopelessMs = Infinity) =>
    timeOf(device, (pass) => plans.get(variant)!.record(pass, tokens), { runs, nudge, hopelessMs });
  return {
    macs: rows * columns * tokens,
    timeAgain: (variant: MatVariant) => time(variant, 1),
    /** Milliseconds of a product, or why the variant cannot be used. */
    async measure(variant: MatVariant, hopelessMs: number) {
      const use = {
        weights,
        step,
        x: input,
        epilogue: EPILOGUES.store,
        epilogueBuffers: [out],
        outputStride: rows,
      };
      try {
        plans.set(variant, await planMat(device, use, { steps: [{ upTo: Infinity, variant }] }));
      } catch (error) {
        // A device may lack what a variant needs; the others do the work then.
        return `${variantName(variant)}: ${String(error)}`;
      }
      const ms = await time(variant, 2, hopelessMs);
      const results = await readBack(device, out, (tokens - 1) * rows * 4, checked * 4);
      const kind = variant.float16 ? "float16" : activations;
      const off = disagreement(results, expected);
      // Written so that NaN is refused.
      if (!(off <= AGREEMENT[kind])) return `${variantName(variant)}: off by ${off}`;
      return ms;
    },
    destroy() {
      destroyWeights(weights);
      for (const buffer of [...buffers, step, out]) buffer.destroy();
    },
  };
}

function makeInput(device: GPUDevice, activations: Activations, x: Float32Array<ArrayBuffer>) {
  if (activations === "float") {
    const buffer = upload(device, x);
    const input: MatInput = { kind: "float", x: buffer };
    return { input, values: x, buffers: [buffer] };
  }
  const { quants, scales } = quantizeReference(x);
  const quantBuffer = upload(device, new Uint8Array(quants.buffer));
  const scaleBuffer = upload(device, Float32Array.from(scales));
  const input: MatInput = { kind: "int8", x: quantBuffer, scales: scaleBuffer };
  const values = x.map((_, i) => quants[i]! * scales[(i >> 5) * 2]!);
  return { input, values, buffers: [quantBuffer, scaleBuffer] };
}

/** Largest difference over the root mean square of what was expected. */
function disagreement(actual: Float32Array, expected: Float64Array): number {
  const squares = expected.reduce((sum, value) => sum + value * value, 0);
  const scale = Math.sqrt(squares / expected.length);
  let worst = 0;
  for (const [i, value] of expected.entries()) {
    const off = Math.abs(actual[i]! - value) / scale;
    if (!(off <= worst)) worst = off;
  }
  return worst;
}

async function readBack(device: GPUDevice, source: GPUBuffer, at: number, size: number) {
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  const staging = device.createBuffer({ size, usage });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(source, at, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  const mapped = staging.mapAsync(GPUMapMode.READ);
  await workDone(device, true);
  await mapped;
  const results = new Float32Array(staging.getMappedRange().slice(0));
  staging.destroy();
  return results;
}
