/**
 * How many rows of a prompt one step should take on a device. Larger chunks have fewer launches and
 * fill a wide device; smaller ones let other answers run in between and keep the stages of a
 * pipeline busy. The result is the smallest chunk that is as fast as any.
 */
import { CHUNK_ROWS, type ChunkRows, type MatVariant, workDone } from "../kernels/index.ts";
import type { MeasurementClock } from "./clock.ts";
import { makeMatBench, type MatJob } from "./mat-bench.ts";

/** A larger chunk must save this share of a row's time. */
const MIN_GAIN = 0.05;

/** Runs of a product in one timing: warm-up, estimate, measurement. */
const RUNS = 3;

const LAUNCHES = 5;

export type ChunkOptions = {
  /** The shard's largest product, and its variant in a prompt's step. */
  readonly job: MatJob;
  readonly variant: MatVariant;
  /** Its rate at the smallest chunk. */
  readonly macsPerMs: number;
  /** Multiply-accumulates of one row in all of the shard's products. */
  readonly macsPerRow: number;
  /** Chunks that would take longer are not measured. */
  readonly budgetMs: number;
  readonly submitWhileWaiting: boolean;
  readonly clock: MeasurementClock;
};

/** Resolves within about `budgetMs`. */
export async function fastestChunk(device: GPUDevice, options: ChunkOptions): Promise<ChunkRows> {
  const { job, variant, macsPerMs, macsPerRow, budgetMs, submitWhileWaiting, clock } = options;
  const end = clock.now() + budgetMs;
  const macs = job.rows * job.columns;
  const affordable = (chunk: number) => clock.now() + (RUNS * macs * chunk) / macsPerMs <= end;
  const [smallest, ...larger] = CHUNK_ROWS;
  if (!affordable(larger[0])) return smallest;
  const bench = await makeMatBench(device, job, CHUNK_ROWS.at(-1)!, submitWhileWaiting, clock);
  try {
    const launchMs = await clock.undisturbed(() => timeLaunch(device, submitWhileWaiting));
    const rowMs = [
      { chunk: smallest as ChunkRows, ms: launchMs / smallest + macsPerRow / macsPerMs },
    ];
    const failed = await bench.prepare(variant);
    for (const chunk of failed === null ? larger : []) {
      if (!affordable(chunk)) break;
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
