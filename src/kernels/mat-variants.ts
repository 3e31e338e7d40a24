/**
 * The variants that a device may run, and a first guess among them from what the
 * device can do. Which is fastest is measured (tune.ts), never read from a name.
 */
import type { Activations } from "./mat.ts";
import type { BlockFormat } from "../tensor/block-format.ts";
import { hasNibbles, type MatVariant } from "./mat-source.ts";
import type { ShaderFeatures } from "./runner-device.ts";

/** How many tokens a step has: one, a few decoding together, or a chunk of a prompt. */
export type Workload = "decode" | "batch" | "prefill";

const threads = (rows: number, tokens: number, workgroup: number, shared: boolean): MatVariant => ({
  kind: "threads",
  rows,
  tokens,
  workgroup,
  shared,
  float16: false,
});

const pairs = (rows: number, tokens: number, workgroup: number, shared: boolean): MatVariant => ({
  kind: "threads",
  rows,
  tokens,
  workgroup,
  shared,
  pairs: true,
  float16: false,
});

const split = (
  rows: number,
  tokens: number,
  workgroup: number,
  subgroups: boolean,
  float16 = false,
): MatVariant => ({ kind: "split", rows, tokens, workgroup, subgroups, float16 });

const tile = (tokens: number, float16: boolean): MatVariant => ({ kind: "tile", tokens, float16 });

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
        variant.pairs !== true) &&
      (features.float16 || !variant.float16) &&
      (features.subgroups || !needsSubgroups(variant)),
  );
}

function needsSubgroups(variant: MatVariant): boolean {
  if (variant.kind === "threads") return variant.shared;
  return variant.kind === "split" && variant.subgroups;
}

const CANDIDATES: Record<Workload, Record<Activations, readonly MatVariant[]>> = {
  decode: {
    float: [
      threads(4, 1, 16, true),
      threads(8, 1, 16, false),
      threads(4, 1, 16, false),
      split(4, 1, 64, true),
      split(8, 1, 64, true),
      split(4, 1, 64, false),
      split(4, 1, 64, true, true),
    ],
    int8: [
      pairs(4, 1, 16, false),
      pairs(8, 1, 16, false),
      pairs(8, 1, 16, true),
      threads(4, 1, 16, false),
      split(4, 1, 64, true),
      split(8, 1, 64, true),
      split(4, 1, 64, false),
    ],
  },
  batch: {
    float: [
      threads(16, 4, 16, true),
      threads(8, 4, 16, true),
      threads(8, 4, 16, false),
      threads(4, 4, 16, false),
      split(4, 4, 64, true),
      split(4, 4, 64, false),
    ],
    int8: [
      pairs(4, 4, 16, true),
      pairs(8, 4, 16, false),
      pairs(4, 4, 16, false),
      threads(4, 4, 16, false),
      split(4, 4, 64, true),
      split(4, 4, 64, false),
    ],
  },
  prefill: {
    float: [
      threads(8, 16, 16, true),
      threads(8, 8, 16, true),
      threads(8, 4, 16, false),
      tile(4, false),
      tile(4, true),
    ],
    int8: [
      pairs(8, 8, 16, false),
      pairs(4, 8, 16, true),
      pairs(4, 8, 16, false),
      threads(4, 4, 16, false),
    ],
  },
};

/** Fewer workgroups than this are shared unevenly by a few cores. */
const ENOUGH_GROUPS = 16;
/** Lanes that a narrow device computes at once: those that share activations are a subgroup of four. */
const LEAST_LANES = { shared: 4, alone: 8 };

/**
 * The variant for a matrix of so many rows: where threads take rows each, a workgroup has no
 * more of them than leave enough workgroups for all cores.
 */
export function forRows(variant: MatVariant, rows: number): MatVariant {
  if (variant.kind !== "threads") return variant;
  const least = variant.shared ? LEAST_LANES.shared : LEAST_LANES.alone;
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
