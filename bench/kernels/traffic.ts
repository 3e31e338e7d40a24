/**
 * The loads and instructions of a matrix kernel on a GPU, counted and not timed (noted-run.ts,
 * arithmetic.ts), for variants that suit no available adapter.
 */
import {
  EPILOGUES,
  type Kernel,
  type MatVariant,
  matWgsl,
  matWorkgroups,
  packedRow,
  upload,
  workgroupTile,
} from "../../src/kernels/index.ts";
import type { MatJob } from "../../src/tuner/index.ts";
import { ARITHMETIC_SUMS, notedArithmetic } from "./arithmetic.ts";
import { countSectors, runNoted, type Noted } from "./noted-run.ts";

export type TrafficCase = Pick<MatJob, "format" | "activations"> & { readonly tokens: number };

export type Traffic = {
  /** Threads for a 4,096 x 4,096 matrix. */
  readonly threads: number;
  /** How often a weight is loaded and converted, per token. */
  readonly conversions: number;
  /** Bytes of quants and scales that the threads load, per weight and token. */
  readonly weightBytes: number;
  /** Bytes of the sectors that these loads touch: the traffic without a cache. */
  readonly weightSectorBytes: number;
  /** The same for the activations. */
  readonly inputBytes: number;
  readonly inputSectorBytes: number;
  /** Bytes read from workgroup memory, for each weight and token. */
  readonly workgroupBytes: number;
  /** Instructions of a lane for each weight and token: the products, and their forms (arithmetic.ts). */
  readonly products: number;
  readonly forms: number;
};

const COLUMNS = 4096;
const WIDE_ROWS = 4096;

/** The first two are the weights'. */
const BUFFERS = ["quants", "scales", "x", "x_scales"] as const;

/** Runs one workgroup of the variant and counts. */
export async function traffic(
  device: GPUDevice,
  work: TrafficCase,
  variant: MatVariant,
): Promise<Traffic> {
  const tile = workgroupTile(variant);
  const workgroupSize = variant.kind === "tile" ? 64 : variant.workgroup;
  const noted = await noteMat(device, work, variant, workgroupSize);
  const macs = noted.sums[ARITHMETIC_SUMS.macs]!;
  const expected = tile.rows * tile.tokens * COLUMNS;
  if (macs !== expected) throw new Error(`${macs} of ${expected} multiply-accumulates were found`);
  const { tokens } = work;
  const used = tile.rows * COLUMNS * Math.min(tokens, tile.tokens);
  const weights = countSectors(noted.loads.filter(({ buffer }) => buffer < 2));
  const inputs = countSectors(noted.loads.filter(({ buffer }) => buffer >= 2));
  const groups = matWorkgroups(variant, WIDE_ROWS, tokens).reduce((a, b) => a * b, 1);
  return {
    threads: groups * workgroupSize,
    conversions: Math.ceil(tokens / tile.tokens) / tokens,
    weightBytes: weights.bytes / used,
    weightSectorBytes: weights.sectorBytes / used,
    inputBytes: inputs.bytes / used,
    inputSectorBytes: inputs.sectorBytes / used,
    workgroupBytes: noted.workgroupBytes / used,
    products: noted.sums[ARITHMETIC_SUMS.products]! / used,
    forms: noted.sums[ARITHMETIC_SUMS.forms]! / used,
  };
}

async function noteMat(
  device: GPUDevice,
  { format, activations, tokens }: TrafficCase,
  variant: MatVariant,
  workgroupSize: number,
): Promise<Noted> {
  const { rows } = workgroupTile(variant);
  const { quantBytes, metaWords } = packedRow(format, COLUMNS);
  const source = { format, activations, norm: false, epilogue: EPILOGUES.store, variant };
  const kernel: Kernel<null> = {
    name: "mat",
    wgsl: notedArithmetic(matWgsl(source)),
    packParams() {
      const bytes = new ArrayBuffer(32);
      new Uint32Array(bytes).set([rows, 0, rows, COLUMNS / 32, metaWords, rows]);
      return bytes;
    },
    workgroups: () => [1, 1, 1],
  };
  const values = tokens * COLUMNS;
  const batch = upload(device, Uint32Array.of(tokens, 0, 0, 0), GPUBufferUsage.UNIFORM);
  const zeros = (bytes: number) => new Uint32Array(bytes / 4);
  const x =
    activations === "float" ? [zeros(values * 4)] : [zeros(values), zeros((values / 32) * 8)];
  const noted = await runNoted(device, {
    kernel,
    params: null,
    inputs: [
      batch,
      zeros(rows * quantBytes),
      zeros(rows * metaWords * 4),
      ...x,
      { output: tokens * rows },
    ],
    buffers: BUFFERS,
    workgroupSize,
    workgroups: [1, 1, 1],
  });
  batch.destroy();
  return noted;
}
