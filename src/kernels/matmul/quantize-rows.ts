/**
 * Quantizes activations to int8 before an integer matrix product: the host code of
 * quantize-threads.wgsl and quantize-workgroup.wgsl, and their reference. One dispatch norms and
 * quantizes.
 */
import type { MatNorm } from "./mat.ts";
import parts from "./quantize-parts.wgsl?raw";
import threadsWgsl from "./quantize-threads.wgsl?raw";
import workgroupWgsl from "./quantize-workgroup.wgsl?raw";
import { shaderFeatures, type ShaderFeatures } from "../core/device.ts";
import { bind, compile, dispatch, type Kernel } from "../core/runner.ts";
import { upload } from "../core/upload.ts";
import { expandTemplate, sectionsOf } from "../core/template.ts";
import { rowThreads, workgroupSum } from "../core/workgroup-sum.ts";

export type QuantizeVariant = "threads" | "workgroup";

export type QuantizeParams = {
  readonly tokens: number;
  /** Of the RMS norm; 0 where there is none. */
  readonly epsilon: number;
};

const SECTIONS = sectionsOf(parts);
/** Threads that need not wait for each other. */
const FREE_THREADS = { threads: 16, workgroup: 64 };
/** Vectors of four in a block of 32. */
const BLOCK_VECTORS = 8;

/**
 * Bindings: 1 step uniform, 2 x, 3 norm weight (if `norm`), 4 quants, 5 scales.
 *
 * "threads" is for software adapters: a thread takes a block and needs no other. On a GPU a quad takes
 * one where there are subgroups, and a workgroup adds up the squares of a row's norm.
 */
export function quantizeKernel(
  { norm, columns }: { readonly norm: boolean; readonly columns: number },
  variant: QuantizeVariant,
  features: ShaderFeatures,
): Kernel<QuantizeParams> {
  const lanes = variant === "workgroup" && features.subgroups ? 4 : 1;
  const blocks = columns / 32;
  const together = norm && variant === "workgroup";
  const threads = together ? rowThreads(blocks * lanes, features) : FREE_THREADS[variant];
  const sum = workgroupSum(threads, features);
  const kind = norm ? "norm" : "plain";
  const share = (name: string) => (lanes === 1 ? "" : SECTIONS[`quad.${name}`]!);
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
      {
        ...SECTIONS,
        ...sum.parts,
        "declare-norm": norm ? SECTIONS["norm.declare"]! : "",
        "row-factor": SECTIONS[`${kind}.row-factor`]!,
        value: SECTIONS[`${kind}.value`]!,
        "share-size": share("share-size"),
        "share-sum": share("share-sum"),
      },
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

export type QuantizeUse = {
  /** Uniform whose first u32 is the number of tokens in the step. */
  readonly step: GPUBuffer;
  readonly x: GPUBuffer; // [tokens, columns] f32
  /** A multiple of 32. */
  readonly columns: number;
  readonly norm: MatNorm | null;
  readonly quants: GPUBuffer; // tokens * columns bytes
  readonly scales: GPUBuffer; // tokens * columns / 4 bytes
};

/** Compiled and bound once; `record` is one dispatch. */
export async function planQuantize(
  device: GPUDevice,
  use: QuantizeUse,
  variant: QuantizeVariant,
  beforeBind = () => undefined as void,
): Promise<{ record(pass: GPUComputePassEncoder, tokens: number): number }> {
  const { columns, norm } = use;
  const shape = { norm: norm !== null, columns };
  const kernel = quantizeKernel(shape, variant, shaderFeatures(device));
  const compiled = await compile(device, kernel);
  beforeBind();
  const params = { tokens: 1, epsilon: norm?.epsilon ?? 0 };
  const uniform = new Uint8Array(kernel.packParams(params));
  const group = bind(device, compiled, [
    upload(device, uniform, GPUBufferUsage.UNIFORM),
    use.step,
    use.x,
    ...(norm === null ? [] : [norm.weight]),
    use.quants,
    use.scales,
  ]);
  return {
    record(pass, tokens) {
      dispatch(pass, compiled, group, kernel.workgroups({ ...params, tokens }));
      return 1;
    },
  };
}

/** The reference, without the norm: quants as numbers, and (d, d * sum) for each block. */
export function quantizeReference(x: Float32Array): { quants: Int8Array; scales: Float64Array } {
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
