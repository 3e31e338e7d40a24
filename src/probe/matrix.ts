/**
 * The products of decode and prefill, with the engine's own kernels: 4-bit weights (Q4_1) times 8-bit
 * activations. One variant for each kind of adapter; the tuner may find a faster one.
 */
import {
  createWeights,
  destroyWeights,
  EPILOGUES,
  matCandidates,
  type MatInput,
  type MatVariant,
  planMat,
  shaderFeatures,
  STEP_BYTES,
  type Workload,
} from "../kernels/index.ts";
import { measureRate, type Bench } from "./bench.ts";

/** Columns of a model of one to two billion weights. */
const COLUMNS = 2048;

/** 40 MB of weights, more than most caches hold; on a software adapter a few milliseconds' worth. */
const ROWS = 32 * 1024;
const ROWS_SOFTWARE = 1024;

const CHUNK_TOKENS = 32;
const MAT_MUL_ROWS = 4096;
const MAT_MUL_ROWS_SOFTWARE = 512;

/** A software adapter's: one for all formats, so that probes of different versions compare. */
const THREADS: Record<"matVec" | "matMul", MatVariant> = {
  matVec: { kind: "threads", rows: 4, tokens: 1, workgroup: 16, inner: "alone" },
  matMul: { kind: "threads", rows: 4, tokens: 4, workgroup: 16, inner: "alone" },
};

export async function measureMatVec(bench: Bench): Promise<number> {
  const rows = bench.software ? ROWS_SOFTWARE : ROWS;
  const variants = bench.software ? [THREADS.matVec] : gpuVariants(bench, "decode");
  return measureVariants(bench, rows, 1, variants);
}

export async function measureMatMul(bench: Bench): Promise<number> {
  const rows = bench.software ? MAT_MUL_ROWS_SOFTWARE : MAT_MUL_ROWS;
  const variants = bench.software ? [THREADS.matMul] : gpuVariants(bench, "prefill");
  return measureVariants(bench, rows, CHUNK_TOKENS, variants);
}

/** What a shard on a GPU chooses from. */
const gpuVariants = ({ device }: Bench, workload: Workload) =>
  matCandidates(workload, "int8", shaderFeatures(device), false);

/** The fastest variant's multiply-accumulates per millisecond. */
async function measureVariants(
  bench: Bench,
  rows: number,
  tokens: number,
  variants: readonly MatVariant[],
): Promise<number> {
  const { device } = bench;
  const weights = createWeights(device, "Q4_1", rows, COLUMNS);
  const { buffers, x, step, output } = makeBuffers(device, rows, tokens);
  let best = 0;
  for (const variant of variants) {
    const plan = await planMat(
      device,
      {
        weights,
        step,
        x,
        epilogue: EPILOGUES.store,
        epilogueBuffers: [output],
        outputStride: rows,
      },
      [{ upTo: Infinity, variant }],
    );
    const share = { ...bench, budgetMs: bench.budgetMs / variants.length };
    const macs = rows * COLUMNS * tokens;
    best = Math.max(best, await measureRate(share, (pass) => plan.record(pass, tokens), macs));
  }
  destroyWeights(weights);
  for (const buffer of buffers) buffer.destroy();
  return best;
}

function makeBuffers(device: GPUDevice, rows: number, tokens: number) {
  const make = (size: number, usage: GPUBufferUsageFlags = GPUBufferUsage.STORAGE) =>
    device.createBuffer({ size, usage: usage | GPUBufferUsage.COPY_DST });
  const step = make(STEP_BYTES, GPUBufferUsage.UNIFORM);
  device.queue.writeBuffer(step, 0, new Uint32Array([tokens]));
  const quants = make(tokens * COLUMNS); // int8 [tokens, COLUMNS]
  const scales = make(((tokens * COLUMNS) / 32) * 8); // vec2<f32> [tokens, COLUMNS / 32]
  const output = make(tokens * rows * 4); // f32 [tokens, rows]
  const x: MatInput = { kind: "int8", x: quants, scales };
  return { buffers: [step, quants, scales, output], x, step, output };
}
