/** Copy bandwidth and arithmetic of the adapter, by compute shaders. */
import type { Kernel } from "../kernels/index.ts";
import { measureRate, prepareDispatch, type Bench } from "./bench.ts";
import arithmeticWgsl from "./arithmetic.wgsl?raw";
import copyWgsl from "./copy.wgsl?raw";

const THREADS = 64;

/** Larger than a GPU's cache; on a software adapter a few milliseconds' worth. */
const COPY_BYTES = 64 * 2 ** 20;
const COPY_BYTES_SOFTWARE = 4 * 2 ** 20;

/** With 64 threads a workgroup, 64 MiB would need 65,536 workgroups, one more than WebGPU allows. */
const COPY_THREADS = 256;

const copyKernel: Kernel<{ length: number }> = {
  name: "probe_copy",
  wgsl: copyWgsl,
  packParams: ({ length }) => new Uint32Array([length, 0, 0, 0]).buffer,
  workgroups: ({ length }) => [Math.ceil(length / COPY_THREADS), 1, 1],
};

/** Bytes copied per millisecond: each is read once and written once. */
export async function measureCopy(bench: Bench): Promise<number> {
  const bytes = bench.software ? COPY_BYTES_SOFTWARE : COPY_BYTES;
  const params = { length: bytes / 16 };
  const work = await prepareDispatch(bench.device, copyKernel, params, [bytes, bytes]);
  const rate = await measureRate(bench, work.record, bytes);
  work.destroy();
  return rate;
}

type ArithmeticParams = { rounds: number; threads: number };

export function arithmeticKernel(number: "f32" | "f16"): Kernel<ArithmeticParams> {
  return {
    name: `probe_arithmetic_${number}`,
    wgsl: arithmeticWgsl
      .replace(/^ENABLE$/m, number === "f16" ? "enable f16;" : "")
      .replaceAll(/\bNUMBER\b/g, number),
    packParams: ({ rounds }) => new Uint32Array([rounds, 0, 0, 0]).buffer,
    workgroups: ({ threads }) => [threads / THREADS, 1, 1],
  };
}

/** Four chains of four lanes, each a multiply and an add. */
const FLOPS_PER_ROUND = 4 * 4 * 2;
const ROUNDS = 256;

/** Fills a large GPU; a software adapter runs four lanes at once and needs no more than this. */
const ARITHMETIC_THREADS = 256 * 1024;
const ARITHMETIC_THREADS_SOFTWARE = 4 * 1024;

/** Floating-point operations per millisecond. */
export async function measureArithmetic(bench: Bench, number: "f32" | "f16"): Promise<number> {
  const threads = bench.software ? ARITHMETIC_THREADS_SOFTWARE : ARITHMETIC_THREADS;
  const params = { rounds: ROUNDS, threads };
  const work = await prepareDispatch(bench.device, arithmeticKernel(number), params, [threads * 4]);
  const rate = await measureRate(bench, work.record, threads * ROUNDS * FLOPS_PER_ROUND);
  work.destroy();
  return rate;
}
