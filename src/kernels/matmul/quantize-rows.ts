/**
 * Quantizes activations to int8 before an integer matrix product: the host code of
 * quantize-rows.wgsl, and its reference. One dispatch norms and quantizes.
 */
import file from "./quantize-rows.wgsl?raw";
import type { ShaderFeatures } from "../core/device.ts";
import type { Kernel } from "../core/runner.ts";
import { expandTemplate, partsOf, sectionsOf } from "../core/template.ts";
import { rowThreads, workgroupSum } from "../core/workgroup-sum.ts";

const SECTIONS = sectionsOf(file);
/** Vectors of four in a block of 32. */
const BLOCK_VECTORS = 8;

/**
 * With an RMS norm before unless `epsilon` is null.
 *
 * Bindings: 0 x [rows, columns] f32, 1 norm weight (with a norm), 2 quants (a byte for each column),
 * 3 scales (8 bytes for each block of 32).
 */
export function quantizeKernel(
  { columns, epsilon }: { readonly columns: number; readonly epsilon: number | null },
  features: ShaderFeatures,
): Omit<Kernel<{ readonly rows: number }>, "packParams"> {
  const lanes = features.subgroups ? 4 : 1;
  const blocks = columns / 32;
  const threads = rowThreads(blocks * lanes);
  const sum = workgroupSum(threads, features);
  const kinds = [epsilon === null ? "plain" : "norm", ...(features.subgroups ? ["quad"] : [])];
  const values = {
    ...sum.values,
    LANES: lanes,
    VECTORS: BLOCK_VECTORS / lanes,
    PAIRS: BLOCK_VECTORS / lanes / 2,
    TURNS: Math.ceil((blocks * lanes) / threads),
  };
  const parts = { ...partsOf(SECTIONS, ...kinds), ...sum.parts };
  return {
    name: `quantize${epsilon === null ? "" : " norm"}`,
    wgsl: expandTemplate(SECTIONS["main"]!, values, parts),
    constants: { BLOCKS: blocks, EPSILON: epsilon ?? 0 },
    workgroups: ({ rows }) => [rows, 1, 1],
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
