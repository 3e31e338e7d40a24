/**
 * How many rows of a prompt one step should take on a device. Larger chunks have fewer launches and
 * fill a wide device; smaller ones let other answers run in between and keep the stages of a
 * pipeline busy. On a software adapter, the smallest chunk that is as fast as any is found by
 * measurement.
 */
import {
  CHUNK_ROWS,
  type ChunkRows,
  type DeviceTraits,
  type MatVariant,
  type ShardWork,
  workDone,
} from "../kernels/index.ts";
import type { MeasurementClock } from "./clock.ts";
import { makeMatBench, type MatJob } from "./mat-bench.ts";

/** A larger chunk must save this share of a row's time. */
const MIN_GAIN = 0.05;

/** Runs of a product in one timing: warm-up, estimate, measurement. */
const RUNS = 3;

const LAUNCHES = 5;

/** A GPU's rate before it is measured, in multiply-accumulates: that of a small integrated one. */
const FIRST_MACS_PER_MS = 5e8;
/** Other answers wait for a chunk of a prompt. */
const MAX_CHUNK_MS = 500;

/** The most rows of a chunk: wide GPUs need many to fill their cores. */
export const largestRows = ({ lowParallelism }: DeviceTraits): ChunkRows =>
  lowParallelism ? 256 : 512;

/** A first guess. */
export function firstRows(
  { products }: Pick<ShardWork, "products">,
  traits: DeviceTraits,
): ChunkRows {
  if (traits.lowParallelism) return CHUNK_ROWS[0];
  const macsPerRow = products.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  return gpuRows({ macsPerRow, macsPerMs: FIRST_MACS_PER_MS });
}

/**
 * On a GPU, as many rows as take `MAX_CHUNK_MS`: the more rows, the more of its cores they fill.
 * `macsPerMs` is the rate of a large chunk.
 */
export function gpuRows({ macsPerRow, macsPerMs }: Record<"macsPerRow" | "macsPerMs", number>) {
  const fits = (rows: number) => rows * macsPerRow <= MAX_CHUNK_MS * macsPerMs;
  return CHUNK_ROWS.findLast(fits) ?? CHUNK_ROWS[0];
}

export type ChunkOptions = {
  /** The shard's largest product, and its variant in a prompt's step. */
  readonly job: MatJob;
  readonly variant: MatVariant;
  /** Its rate at the smallest chunk. */
  readonly macsPerMs: number;
  /** Multiply-accumulates of one row in all of the shard's products. */
  readonly macsPerRow: number;
  readonly maxRows: ChunkRows;
  /** Chunks that would take longer are not measured. */
  readonly budgetMs: number;
  readonly submitWhileWaiting: boolean;
  readonly clock: MeasurementClock;
};

/** Resolves within about `budgetMs`. */
export async function fastestChunk(device: GPUDevice, options: ChunkOptions): Promise<ChunkRows> {
  const { job, variant, macsPerMs, macsPerRow, maxRows, budgetMs } = options;
  const { submitWhileWaiting, clock } = options;
  const end = clock.now() + budgetMs;
  const macs = job.rows * job.columns;
  const affordable = (chunk: number) => clock.now() + (RUNS * macs * chunk) / macsPerMs <= end;
  const [smallest, ...larger] = CHUNK_ROWS;
  if (!affordable(larger[0])) return smallest;
  const bench = await makeMatBench(device, job, maxRows, submitWhileWaiting, clock);
  try {
    const launchMs = await clock.undisturbed(() => timeLaunch(device, submitWhileWaiting));
    const rowMs = [
      { chunk: smallest as ChunkRows, ms: launchMs / smallest + macsPerRow / macsPerMs },
    ];
    const failed = await bench.prepare(variant);
    for (const chunk of failed === null ? larger : []) {
      if (chunk > maxRows || !affordable(chunk)) break;
      const rate = (macs * chunk) / (await bench.timeAgain(variant, chunk));
      rowMs.push({ chunk, ms: launchMs / chunk + macsPerRow / rate });
    }
    const best = Math.min(...rowMs.map(({ ms }) => ms));
    return rowMs.find(({ ms }) => ms * (1 - MIN_GAIN) <= best)!.chunk;
  } finally {
    bench.destroy();
  }
}

/** Milliseconds from an empty submit until it is known to be done. */
async function timeLaunch(device: GPUDevice, submitWhileWaiting: boolean): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < LAUNCHES; i++) {
    const start = performance.now();
    device.queue.submit([device.createCommandEncoder().finish()]);
    await workDone(device, submitWhileWaiting);
    best = Math.min(best, performance.now() - start);
  }
  return best;
}
