/**
 * The variants that a device may run, the likeliest first. Which is fastest is measured (by the
 * tuner), never read from a name.
 */
import {
  type Activations,
  type Workload,
  hasNibbles,
  type InnerLoop,
  type MatVariant,
  workgroupTile,
} from "./mat-variant.ts";
import type { BlockFormat } from "../../tensor/index.ts";
import type { ShaderFeatures } from "../core/device.ts";

const threads = (
  rows: number,
  tokens: number,
  workgroup: number,
  inner: InnerLoop = "alone",
): MatVariant => ({ kind: "threads", rows, tokens, workgroup, inner });

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
  if (!lowParallelism) return gpuCandidates(workload, features);
  const { quads, floats, pairs, dots } = SOFTWARE_VARIANTS[workload];
  if (activations === "float") return [features.subgroups ? quads : floats];
  return [format !== null && hasNibbles(format) ? pairs : dots];
}

/** Many threads for a row; in a prompt, tiles in workgroup memory. */
function gpuCandidates(
  workload: Workload,
  { subgroups, subgroupMinSize: lanes, maxInvocations }: ShaderFeatures,
): readonly MatVariant[] {
  if (workload === "prefill") {
    const sizes = maxInvocations >= 256 ? ([64, 32] as const) : ([32] as const);
    return sizes.map((size) => ({ kind: "tile", size }));
  }
  const tokens = workload === "decode" ? 1 : 4;
  return [2, 4].map((rows) =>
    subgroups
      ? { kind: "subgroups", rows, tokens, workgroup: 128, lanes }
      : { kind: "split", rows, tokens, workgroup: 64 },
  );
}

const SOFTWARE_VARIANTS: Record<
  Workload,
  Record<"quads" | "floats" | "pairs" | "dots", MatVariant>
> = {
  decode: {
    quads: threads(6, 1, 16, "quads"),
    floats: threads(8, 1, 16),
    pairs: threads(4, 1, 16, "pairs"),
    dots: threads(4, 1, 16),
  },
  batch: {
    quads: threads(16, 4, 16, "quads"),
    floats: threads(8, 4, 16),
    pairs: threads(8, 4, 16, "pairs"),
    dots: threads(4, 4, 16),
  },
  prefill: {
    quads: threads(16, 8, 16, "quads"),
    floats: threads(8, 4, 16),
    pairs: threads(8, 8, 16, "pairs"),
    dots: threads(4, 4, 16),
  },
};

/** Fewer workgroups than this are divided unevenly among a few cores. */
const MIN_GROUPS = 16;
/** Lanes that a device of low parallelism computes at once; its subgroups have four. */
const MIN_LANES = { quads: 4, others: 8 };

/** Fewer leave cores idle on the widest GPU measured; smaller workgroups then cost less. */
const MIN_GPU_GROUPS = 132;
/** A matrix with fewer rows has few large tiles. */
const MIN_LARGE_TILE_ROWS = 2048;

/** The variant for a matrix of so many rows: workgroups are small enough that all cores have some. */
export function forRows(variant: MatVariant, rows: number): MatVariant {
  if (variant.kind === "split") return variant;
  if (variant.kind === "tile")
    return rows < MIN_LARGE_TILE_ROWS ? { ...variant, size: 32 } : variant;
  const [minGroups, minLanes] =
    variant.kind === "subgroups"
      ? [MIN_GPU_GROUPS, variant.lanes]
      : [MIN_GROUPS, variant.inner === "quads" ? MIN_LANES.quads : MIN_LANES.others];
  let { workgroup } = variant;
  const groups = () => Math.ceil(rows / workgroupTile({ ...variant, workgroup }).rows);
  while (workgroup > minLanes && groups() < minGroups) workgroup /= 2;
  return { ...variant, workgroup };
}
