/**
 * The variants that a device may run, the likeliest first. Which is fastest is measured (by the
 * tuner), never read from a name.
 */
import {
  type Activations,
  type Workload,
  hasNibbles,
  type InnerLoop,
  type MatrixShape,
  type MatVariant,
  type Tile,
  tileBlocks,
  tileThreads,
  variantName,
  workgroupTile,
} from "./mat-variant.ts";
import type { MatChoice } from "./mat.ts";
import type { BlockFormat } from "../../tensor/index.ts";
import type { ShaderFeatures } from "../core/device.ts";
import type { MatShape } from "./mat-reference.ts";
import { MAX_ROWS } from "../core/step-uniform.ts";

const threads = (rows: number, tokens: number, inner: InnerLoop = "alone"): MatVariant => ({
  kind: "threads",
  rows,
  tokens,
  workgroup: 16,
  inner,
});

/**
 * The variants worth measuring on a kind of adapter, the likeliest first. On software adapters one has
 * won for each kind of inner loop that the device and the format allow.
 */
export function matCandidates(
  workload: Workload,
  activations: Activations,
  features: ShaderFeatures,
  lowParallelism: boolean,
  format: BlockFormat | null = null,
): readonly MatVariant[] {
  if (!lowParallelism) return gpuCandidates(workload, activations, features);
  const { quads, floats, pairs, dots } = SOFTWARE_VARIANTS[workload];
  if (activations === "float") return [features.subgroups ? quads : floats];
  return [format !== null && hasNibbles(format) ? pairs : dots];
}

/** Many threads for a row; in a prompt, tiles in workgroup memory. */
function gpuCandidates(
  workload: Workload,
  activations: Activations,
  { subgroups, subgroupMinSize: lanes }: ShaderFeatures,
): readonly MatVariant[] {
  if (workload === "prefill") return [LARGE_TILE];
  const tokens = workload === "decode" ? 1 : 4;
  // Of floats for several tokens, four rows have always won.
  const rowCounts = workload === "batch" && activations === "float" ? [4] : [2, 4];
  return rowCounts.map((rows) =>
    subgroups
      ? { kind: "subgroups", rows, tokens, workgroup: 128, lanes }
      : { kind: "split", rows, tokens, workgroup: 64 },
  );
}

const SOFTWARE_VARIANTS = {
  decode: {
    quads: threads(6, 1, "quads"),
    floats: threads(8, 1),
    pairs: threads(4, 1, "pairs"),
    dots: threads(4, 1),
  },
  batch: {
    quads: threads(16, 4, "quads"),
    floats: threads(8, 4),
    pairs: threads(8, 4, "pairs"),
    dots: threads(4, 4),
  },
  prefill: {
    quads: threads(16, 8, "quads"),
    floats: threads(8, 4),
    pairs: threads(8, 8, "pairs"),
    dots: threads(4, 4),
  },
};

/** Fewer workgroups than this are divided unevenly among a few cores. */
const MIN_GROUPS = 16;
/** Lanes that a device of low parallelism computes at once; its subgroups have four. */
const MIN_LANES = { quads: 4, others: 8 };

/** Fewer leave cores idle on the widest GPU measured; smaller workgroups then cost less. */
const MIN_GPU_GROUPS = 132;

/** The variant for a matrix of so many rows: all cores have some, if need be with two rows for a subgroup. */
export function forRows(variant: MatVariant, rows: number): MatVariant {
  if (variant.kind === "split" || variant.kind === "tile") return variant;
  const [minGroups, minLanes] =
    variant.kind === "subgroups"
      ? [MIN_GPU_GROUPS, variant.lanes]
      : [MIN_GROUPS, variant.inner === "quads" ? MIN_LANES.quads : MIN_LANES.others];
  let { workgroup } = variant;
  const groups = () => Math.ceil(rows / workgroupTile({ ...variant, workgroup }).rows);
  while (workgroup > minLanes && groups() < minGroups) workgroup /= 2;
  const isFew = variant.kind === "subgroups" && groups() < minGroups;
  return { ...variant, workgroup, rows: isFew ? 2 : variant.rows };
}

/** Where these are too few, `tileFor` takes smaller ones. */
const LARGE_TILE: Tile = { kind: "tile", size: 64, slices: 1 };
/** Large tiles are worth their reuse when nearly all cores have two; with fewer, some wait for others. */
const MIN_LARGE_TILES = 256;
/** Fewer threads do not hide the latency of a core's own memory. */
const MIN_TILE_THREADS = 320 * MIN_GPU_GROUPS;
const MAX_SLICED_THREADS = 512;
/** A slice with fewer turns costs more than it saves. */
const MIN_TURNS = 4;
/** Bytes of workgroup memory for a row and a token of a block: int8 with two scales each, or floats. */
const BLOCK_BYTES: Record<Activations, number> = { int8: 80, float: 256 };

/** Bytes of workgroup memory of a tile's slice. */
export function tileBytes({ size }: Tile, activations: Activations): number {
  return size * tileBlocks(size, activations) * BLOCK_BYTES[activations];
}

/** Up to so many tokens, steps have the same tile. */
const TILE_TOKENS = [64, 256, MAX_ROWS];

/** The tile for a product: smaller, and divided along the columns, where tiles are few. */
export function tileFor(
  { rows, columns, tokens }: MatShape,
  activations: Activations,
  { maxInvocations, workgroupBytes }: ShaderFeatures,
): Tile {
  const tiles = (size: number) => Math.ceil(rows / size) * Math.ceil(tokens / size);
  if (tiles(64) >= MIN_LARGE_TILES) return LARGE_TILE;
  const small: Tile = { ...LARGE_TILE, size: 32 };
  const threads = tileThreads(32);
  const maxSlices = Math.min(
    Math.min(MAX_SLICED_THREADS, maxInvocations) / threads,
    workgroupBytes / tileBytes(small, activations),
    columns / 32 / MIN_TURNS,
  );
  let slices = 1;
  while (2 * slices <= maxSlices && tiles(32) * threads * slices < MIN_TILE_THREADS) slices *= 2;
  return { ...small, slices };
}

/** The variants for a matrix's shape, so that all cores have some of the work in any step. */
export function forShape(
  variant: MatVariant,
  { rows, columns }: Pick<MatrixShape, "rows" | "columns">,
  activations: Activations,
  features: ShaderFeatures,
): MatChoice {
  if (variant.kind !== "tile") return [{ upTo: Infinity, variant: forRows(variant, rows) }];
  const fitted = TILE_TOKENS.map((tokens) => ({
    upTo: tokens === MAX_ROWS ? Infinity : tokens,
    variant: tileFor({ rows, columns, tokens }, activations, features),
  }));
  const name = (i: number) => fitted[i] && variantName(fitted[i].variant);
  return fitted.filter((_, i) => name(i) !== name(i + 1));
}
