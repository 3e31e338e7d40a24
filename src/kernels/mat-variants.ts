/**
 * The variants that a device may run, and a first guess among them from what the
 * device can do. Which is fastest is measured (tune.ts), never read from a name.
 */
import {
  type Activations,
  type Workload,
  hasNibbles,
  needsSubgroups,
  type InnerLoop,
  type MatVariant,
} from "./mat-variant.ts";
import type { BlockFormat } from "../tensor/block-format.ts";
import type { ShaderFeatures } from "./runner-device.ts";

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
 * All variants worth a measurement for a workload, the likeliest first; without a
 * format, those that every format has.
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

/** Fewer workgroups than this are shared unevenly by a few cores. */
const ENOUGH_GROUPS = 16;
/** Lanes that a narrow device computes at once; where subgroups are used there, they are of four. */
const LEAST_LANES = { quads: 4, others: 8 };

/**
 * The variant for a matrix of so many rows: where threads take rows each, a workgroup has no
 * more of them than leave enough workgroups for all cores.
 */
export function forRows(variant: MatVariant, rows: number): MatVariant {
  if (variant.kind !== "threads") return variant;
  const least = variant.inner === "quads" ? LEAST_LANES.quads : LEAST_LANES.others;
  let { workgroup } = variant;
  const groups = () => Math.ceil(rows / (variant.rows * workgroup));
  while (workgroup > least && groups() < ENOUGH_GROUPS) workgroup /= 2;
  return { ...variant, workgroup };
}

/**
 * A variant that is right everywhere and good enough to start with: one without
 * workgroup memory on a narrow device (`isNarrow` measures it).
 */
export function firstVariant(
  workload: Workload,
  activations: Activations,
  features: ShaderFeatures,
  narrow: boolean,
  format: BlockFormat | null = null,
): MatVariant {
  const candidates = matCandidates(workload, activations, features, format);
  const wanted = candidates.find((variant) => (variant.kind === "threads") === narrow);
  return wanted ?? candidates[0]!;
}
