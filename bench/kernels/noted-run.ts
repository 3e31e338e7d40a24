/**
 * Runs a kernel with its loads recorded (noting.ts), and groups them as a GPU issues them: 32 threads
 * of a workgroup at a time, each group costing the 32-byte sectors that it touches. Threads of a
 * workgroup are assumed to run in lockstep, which the kernels' loops allow.
 */
import { type Kernel, upload, type Workgroups } from "../../src/kernels/index.ts";
import { run, type RunInput } from "../../tools/gpu/run.ts";
import { notedWgsl, SUMS, WARP } from "./noting.ts";

export type Load = {
  readonly thread: number;
  /** Which of the thread's loads it is. */
  readonly order: number;
  /** The buffer's index among those recorded. */
  readonly buffer: number;
  /** Address and length in the buffer, in words of four bytes. */
  readonly word: number;
  readonly words: number;
};

export type Noted = {
  readonly loads: readonly Load[];
  /** Bytes that threads read from workgroup memory. */
  readonly workgroupBytes: number;
  /** What the caller's text added with `add_note`, by the number it gave. */
  readonly sums: readonly number[];
};

export type Asked = {
  /** Requested bytes, and the bytes of the sectors touched: the traffic without a cache. */
  readonly bytes: number;
  readonly sectorBytes: number;
};

const SECTOR_BYTES = 32;
const MAX_LOADS = 1 << 20;
/** Of `Notes`, before the loads. */
const HEADER_WORDS = 2 + SUMS;

export type NotedRun<Params> = {
  readonly kernel: Kernel<Params>;
  readonly params: Params;
  readonly inputs: readonly RunInput[];
  /** Names of the buffers whose loads are noted; the text may lack some. */
  readonly buffers: readonly string[];
  readonly workgroupSize: number;
  /** Replaces the kernel's own grid. */
  readonly workgroups: Workgroups;
};

/** Runs the kernel on so many workgroups, and returns the recorded loads and sums. */
export async function runNoted<Params>(
  device: GPUDevice,
  { kernel, params, inputs, buffers, workgroupSize, workgroups }: NotedRun<Params>,
): Promise<Noted> {
  const wgsl = notedWgsl(kernel.wgsl, buffers, workgroupSize);
  const notes = upload(device, new Uint32Array(HEADER_WORDS + 4 * MAX_LOADS));
  const traced = { ...kernel, name: `${kernel.name}, noted`, wgsl, workgroups: () => workgroups };
  const results = await run(device, traced, [...inputs, notes], params);
  notes.destroy();
  const words = new Uint32Array(results.at(-1)!.buffer);
  const count = words[0]!;
  if (count > MAX_LOADS) throw new RangeError(`${count} loads do not fit the notes`);
  const loads = Array.from({ length: count }, (_, i): Load => {
    const at = HEADER_WORDS + 4 * i;
    const what = words[at + 2]!;
    return {
      thread: words[at]!,
      order: words[at + 1]!,
      buffer: what >> 3,
      word: words[at + 3]!,
      words: what & 7,
    };
  });
  return { loads, workgroupBytes: words[1]!, sums: [...words.subarray(2, 2 + SUMS)] };
}

/** Requested bytes and sectors touched; a warp's n-th load is one access. */
export function countSectors(loads: Iterable<Load>): Asked {
  let bytes = 0;
  const touched = new Set<string>();
  for (const { thread, order, buffer, word, words } of loads) {
    bytes += words * 4;
    const sector = Math.floor((word * 4) / SECTOR_BYTES);
    touched.add(`${Math.floor(thread / WARP)} ${order} ${buffer} ${sector}`);
  }
  return { bytes, sectorBytes: touched.size * SECTOR_BYTES };
}
