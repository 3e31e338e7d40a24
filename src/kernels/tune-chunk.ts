/**
 * How many rows of a prompt one step should take on a device. Larger chunks have fewer
 * launches and fill a wide device; smaller ones let other answers in between and keep the
 * stages of a pipeline busy. So: the smallest that is as fast as any.
 */
import type { MatVariant } from "./mat-variant.ts";
import { MAX_ROWS } from "./step-uniform.ts";
import { makeBench, type MatJob } from "./tune-bench.ts";
import { workDone, type TuneClock } from "./tune-clock.ts";

/** Rows of a chunk, smallest first. */
export const CHUNKS = [64, 128, MAX_ROWS] as const;
export type Chunk = (typeof CHUNKS)[number];

/** A larger chunk must save this share of a row's time. */
const WORTH = 0.05;

/** Runs of a product that one timing makes: to warm up, to see how long it is, and to count. */
const RUNS = 3;

const LAUNCHES = 5;

export type ChunkOptions = {
  /** The shard's largest product, and what multiplies it in a prompt's step. */
  readonly job: MatJob;
  readonly variant: MatVariant;
  /** Its rate at the smallest chunk, multiply-accumulates a millisecond. */
  readonly macsPerMs: number;
  /** Multiply-accumulates of a row in all of the shard's products. */
  readonly macsPerRow: number;
  /** Chunks that would take longer are not measured. */
  readonly budgetMs: number;
  readonly nudge: boolean;
  readonly clock: TuneClock;
};

/** One of `CHUNKS`; resolves within about `budgetMs`. */
export async function fastestChunk(device: GPUDevice, options: ChunkOptions): Promise<Chunk> {
  const { job, variant, macsPerMs, macsPerRow, budgetMs, nudge, clock } = options;
  const end = clock.now() + budgetMs;
  const macs = job.rows * job.columns;
  const affordable = (chunk: number) => clock.now() + (RUNS * macs * chunk) / macsPerMs <= end;
  const [least, ...larger] = CHUNKS;
  if (!affordable(larger[0])) return least;
  const bench = await makeBench(device, job, CHUNKS.at(-1)!, nudge, clock);
  try {
    const launchMs = await clock.undisturbed(() => timeLaunch(device, nudge));
    const rowMs = [{ chunk: least as Chunk, ms: launchMs / least + macsPerRow / macsPerMs }];
    const failed = await bench.prepare(variant);
    for (const chunk of failed === null ? larger : []) {
      if (!affordable(chunk)) break;
      const rate = (macs * chunk) / (await bench.timeAgain(variant, chunk));
      rowMs.push({ chunk, ms: launchMs / chunk + macsPerRow / rate });
    }
    const best = Math.min(...rowMs.map(({ ms }) => ms));
    return rowMs.find(({ ms }) => ms * (1 - WORTH) <= best)!.chunk;
  } finally {
    bench.destroy();
  }
}

/** Milliseconds of a submit of nothing, until it is known to be done. */
async function timeLaunch(device: GPUDevice, nudge: boolean): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < LAUNCHES; i++) {
    const start = performance.now();
    device.queue.submit([device.createCommandEncoder().finish()]);
    await workDone(device, nudge);
    best = Math.min(best, performance.now() - start);
  }
  return best;
}
