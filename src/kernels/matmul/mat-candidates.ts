/**
 * The variants that a device may run, and a first guess among them from what the
 * device can do. Which is fastest is measured (by the tuner), never read from a name.
 */
import {
  type Activations,
  type Workload,
  hasNibbles,
  needsSubgroups,
  type InnerLoop,
  type MatVariant,
} from "./mat-variant.ts";
import type { BlockFormat } from "../../tensor/index.ts";
import type { ShaderFeatures } from "../core/device.ts";

const threads = (
  rows: number,
  tokens: number,
  workgroup: number,
  inner: InnerLoop = "alone",
): MatVariant => ({ kind: "threads", rows, tokens, workgroup, inner });

const split = (
  rows: number,
  tokens: number,
  workgroup: number,
  subgroups: boolean,
): MatVariant => ({ kind: "split", rows, tokens, workgroup, subgroups });

const tile = (tokens: number): MatVariant => ({ kind: "tile", tokens });

/**
 * All variants worth measuring for a workload, the likeliest first; without a format, those that
 * every format has.
 */
export function matCandidates(
  workload: Workload,
  activations: Activations,
  features: ShaderFeatures,
  format: BlockFormat | null = null,
): readonly MatVariant[] {
  return CANDIDATES[workload][activations].filter(
    (variant) =>
      ((format !== null && hasNibbles(format)) ||
        variant.kind !== "threads" ||
        variant.inner !== "pairs") &&
      (features.subgroups || !needsSubgroups(variant)),
  );
}

const CANDIDATES: Record<Workload, Record<Activations, readonly MatVariant[]>> = {
  decode: {
    float: [
      threads(6, 1, 16, "quads"),
      threads(8, 1, 16, "quads"),
      threads(8, 1, 16),
      split(4, 1, 64, true),
      split(4, 1, 64, false),
    ],
    int8: [
      threads(4, 1, 16, "pairs"),
      threads(8, 1, 16, "pairs"),
      threads(4, 1, 16),
      split(4, 1, 64, true),
      split(4, 1, 64, false),
    ],
  },
  batch: {
    float: [
      threads(16, 4, 16, "quads"),
      threads(8, 4, 16),
      split(4, 4, 64, true),
      split(4, 4, 64, false),
    ],
    int8: [
      threads(8, 4, 16, "pairs"),
      threads(4, 4, 16, "pairs"),
      threads(4, 4, 16),
      split(4, 4, 64, true),
      split(4, 4, 64, false),
    ],
  },
  prefill: {
    float: [threads(16, 8, 16, "quads"), threads(8, 4, 16), tile(4)],
    int8: [threads(8, 8, 16, "pairs"), threads(4, 4, 16)],
  },
};

/** Fewer workgroups than this are divided unevenly among a few cores. */
const MIN_GROUPS = 16;
/** Lanes that a device of low parallelism computes at once; its subgroups have four. */
const MIN_LANES = { quads: 4, others: 8 };

/**
 * The variant for a matrix of so many rows: where threads compute whole rows, the workgroup is small
 * enough that there are workgroups for all cores.
 */
export function forRows(variant: MatVariant, rows: number): MatVariant {
  if (variant.kind !== "threads") return variant;
  const minLanes = variant.inner === "quads" ? MIN_LANES.quads : MIN_LANES.others;
  let { workgroup } = variant;
  const groups = () => Math.ceil(rows / (variant.rows * workgroup));
  while (workgroup > minLanes && groups() < MIN_GROUPS) workgroup /= 2;
  return { ...variant, workgroup };
}

/**
 * A variant that is correct everywhere and good enough to start with: one without workgroup memory
 * on a device of low parallelism.
 */
export function firstVariant(
  workload: Workload,
  activations: Activations,
  features: ShaderFeatures,
  lowParallelism: boolean,
  format: BlockFormat | null = null,
): MatVariant {
  const candidates = matCandidates(workload, activations, features, format);
  const wanted = candidates.find((variant) => (variant.kind === "threads") === lowParallelism);
  return wanted ?? candidates[0]!;
}
