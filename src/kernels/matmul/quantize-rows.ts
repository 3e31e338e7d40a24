/**
 * Quantizes activations to int8 before an integer matrix product: the host code of
 * quantize-threads.wgsl and quantize-workgroup.wgsl, and their reference. One dispatch norms and
 * quantizes.
 */
import parts from "./quantize-parts.wgsl?raw";
import threadsWgsl from "./quantize-threads.wgsl?raw";
import workgroupWgsl from "./quantize-workgroup.wgsl?raw";
import type { ShaderFeatures } from "../core/device.ts";
import type { Kernel } from "../core/runner.ts";
import { expandTemplate, partsOf, sectionsOf } from "../core/template.ts";
import { rowThreads, workgroupSum } from "../core/workgroup-sum.ts";

export type QuantizeVariant = "threads" | "workgroup";

const SECTIONS = sectionsOf(parts);
/** Threads that need not wait for each other. */
const FREE_THREADS = { threads: 16, workgroup: 64 };
/** Vectors of four in a block of 32. */
const BLOCK_VECTORS = 8;

/**
 * `epsilon` is of the RMS norm, 0 where there is none.
 *
 * Bindings: 1 step uniform, 2 x [tokens, columns] f32, 3 norm weight (if `norm`), 4 quants (a byte
 * for each column), 5 scales (8 bytes for each block of 32).
 *
 * "threads" is for software adapters: a thread takes a block and needs no other. On a GPU a quad takes
 * one where there are subgroups, and a workgroup adds up the squares of a row's norm.
 */
export function quantizeKernel(
  { norm, columns }: { readonly norm: boolean; readonly columns: number },
  variant: QuantizeVariant,
  features: ShaderFeatures,
): Kernel<{ readonly tokens: number; readonly epsilon: number }> {
  const lanes = variant === "workgroup" && features.subgroups ? 4 : 1;
  const blocks = columns / 32;
  const together = norm && variant === "workgroup";
  const threads = together ? rowThreads(blocks * lanes, features) : FREE_THREADS[variant];
  const sum = workgroupSum(threads, features);
  const kinds = [norm ? "norm" : "plain", lanes === 1 ? "alone" : "quad"];
  return {
    name: `quantize ${variant}${norm ? " norm" : ""}`,
    wgsl: expandTemplate(
      together ? workgroupWgsl : threadsWgsl,
      {
        ...sum.values,
        ENABLE: lanes === 1 ? "" : "enable subgroups;\n",
        LANES: lanes,
        VECTORS: BLOCK_VECTORS / lanes,
        PAIRS: BLOCK_VECTORS / lanes / 2,
        TURNS: Math.ceil((blocks * lanes) / threads),
      },
      { ...partsOf(SECTIONS, ...kinds), ...sum.parts },
    ),
    packParams({ epsilon }) {
      const bytes = new ArrayBuffer(16);
      new Uint32Array(bytes)[0] = blocks;
      new Float32Array(bytes).set([epsilon, 1 / columns], 1);
      return bytes;
    },
    workgroups: ({ tokens }) => [
      together ? tokens : Math.ceil((tokens * blocks * lanes) / threads),
      1,
      1,
    ],
  };
}

/** The reference, without the norm: quants as numbers, and (d, d * sum) for each block. */
export function quantizeReference(x: Float32Array) {
  const quants = new Int8Array(x.length);
  const scales = new Float64Array((x.length / 32) * 2);
  for (let block = 0; block < x.length / 32; block++) {
    const values = x.subarray(block * 32, block * 32 + 32);
    const d = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0) / 127;
    let sum = 0;
    values.forEach((value, i) => {
      const q = d === 0 ? 0 : Math.round(value / d);
      quants[block * 32 + i] = q;
      sum += q;
    });
    scales.set([d, d * sum], block * 2);
  }
  return { quants, scales };
}
