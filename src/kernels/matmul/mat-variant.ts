/** The variants of the matrix kernels: how each divides the work among threads, and its name. */
import type { BlockFormat } from "../../tensor/index.ts";

export type MatrixShape = {
  readonly format: BlockFormat;
  readonly rows: number;
  readonly columns: number;
};

export type Activations = "float" | "int8";

/** How many tokens a step has: one, a few decoding together, or a chunk of a prompt. */
export type Workload = "decode" | "batch" | "prefill";
export const WORKLOADS: readonly Workload[] = ["decode", "batch", "prefill"];

/**
 * A thread's inner loop: "alone" loads all it needs; "quads" shares the activations between the
 * lanes of a quad (subgroups; floats only); "pairs" makes two integer products in one
 * multiplication (int8 activations and 4-bit formats only).
 */
export type InnerLoop = "alone" | "quads" | "pairs";

/** Rows (an even number: results are stored in pairs) x tokens, and the threads of a workgroup. */
type Grid = { readonly rows: number; readonly tokens: number; readonly workgroup: number };

export type MatVariant =
  /** A thread computes rows x tokens from the first column to the last. */
  | (Grid & { readonly kind: "threads"; readonly inner: InnerLoop })
  /** A workgroup computes rows x tokens, split along the columns. */
  | (Grid & { readonly kind: "split" })
  /** A subgroup computes rows x tokens, split along the columns; `lanes` are those of the device's smallest. */
  | (Grid & { readonly kind: "subgroups"; readonly lanes: number })
  /**
   * A workgroup computes `size` rows x `size` tokens from workgroup memory, in `slices` groups of
   * threads that divide the columns.
   */
  | { readonly kind: "tile"; readonly size: 32 | 64; readonly slices: number };

export type Tile = Extract<MatVariant, { readonly kind: "tile" }>;

/** Short and unique on a device: "threads 8x1 wg16 quads", "tile 32x32 k4". */
export function variantName(variant: MatVariant): string {
  switch (variant.kind) {
    case "threads": {
      const inner = variant.inner === "alone" ? "" : ` ${variant.inner}`;
      return `threads ${variant.rows}x${variant.tokens} wg${variant.workgroup}${inner}`;
    }
    case "split":
    case "subgroups":
      return `${variant.kind} ${variant.rows}x${variant.tokens} wg${variant.workgroup}`;
    case "tile":
      return `tile ${variant.size}x${variant.size}${variant.slices > 1 ? ` k${variant.slices}` : ""}`;
  }
}

/** Results of a thread of a tile, in each direction. */
const TILE_RESULTS = 4;

/** Threads of a tile, or of each of its slices. */
export const tileThreads = (size: number) => (size / TILE_RESULTS) ** 2;

/** Blocks of 32 columns that a slice has in workgroup memory: as many as occupy its threads, or one of floats. */
export const tileBlocks = (size: number, activations: Activations) =>
  activations === "int8" ? tileThreads(size) / (2 * size) : 1;

/** Rows and tokens of one workgroup. */
export function workgroupTile(variant: MatVariant): { rows: number; tokens: number } {
  switch (variant.kind) {
    case "threads":
      return { rows: variant.rows * variant.workgroup, tokens: variant.tokens };
    case "split":
      return { rows: variant.rows, tokens: variant.tokens };
    case "subgroups":
      return { rows: (variant.rows * variant.workgroup) / variant.lanes, tokens: variant.tokens };
    case "tile":
      return { rows: variant.size, tokens: variant.size };
  }
}

export const usesQuads = (variant: MatVariant) =>
  variant.kind === "threads" && variant.inner === "quads";

/** Whether the shader uses subgroup operations. */
export function needsSubgroups(variant: MatVariant): boolean {
  return variant.kind === "subgroups" || usesQuads(variant);
}

/** Formats whose quants are four bits without a sign, as `pairs` needs. */
export function hasNibbles(format: BlockFormat): boolean {
  return format === "Q4_0" || format === "Q4_1" || format === "Q4_K";
}

/** Formats whose products can use int8 activations; the others need float. */
export function acceptsInt8(format: BlockFormat): boolean {
  return format !== "F32" && format !== "F16" && format !== "BF16";
}
