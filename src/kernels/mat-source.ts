/**
 * The shader of a matrix product: which parts make it, for a block format, a kind
 * of activations and a variant. Knows neither buffers nor devices.
 */
import type { BlockFormat } from "../tensor/block-format.ts";
import commonFile from "./mat-common.wgsl?raw";
import formatsFile from "./mat-formats.wgsl?raw";
import inputsFile from "./mat-inputs.wgsl?raw";
import splitWgsl from "./mat-split.wgsl?raw";
import threadsWgsl from "./mat-threads.wgsl?raw";
import tileWgsl from "./mat-tile.wgsl?raw";
import { expandTemplate, sectionsOf } from "./template.ts";
import type { Activations, MatEpilogue } from "./mat.ts";
import { vectorsPerBlock } from "./weights-pack.ts";

/** How the work is cut. `rows` is even: results leave in pairs. */
export type MatVariant =
  | {
      /** A thread computes rows x tokens alone; `shared` loads x once for four lanes (subgroups). */
      readonly kind: "threads";
      readonly rows: number;
      readonly tokens: number;
      readonly workgroup: number;
      readonly shared: boolean;
      /** Two integer products in one multiplication; int8 activations and 4-bit formats only. */
      readonly pairs?: boolean;
      readonly float16: boolean;
    }
  | {
      /** A workgroup computes rows x tokens, split along the columns. */
      readonly kind: "split";
      readonly rows: number;
      readonly tokens: number;
      readonly workgroup: number;
      readonly subgroups: boolean;
      readonly float16: boolean;
    }
  | {
      /** A workgroup computes 64 rows x 8 tokens * `tokens` from workgroup memory. */
      readonly kind: "tile";
      readonly tokens: number;
      readonly float16: boolean;
    };

export type MatSource = {
  readonly format: BlockFormat;
  readonly activations: Activations;
  readonly norm: boolean;
  readonly epilogue: MatEpilogue;
  readonly variant: MatVariant;
};

/** Short and unique: "threads 8x1 wg16 shared", "tile 64x32 f16". */
export function variantName(variant: MatVariant): string {
  const tail = variant.float16 ? " f16" : "";
  switch (variant.kind) {
    case "threads":
      return `threads ${variant.rows}x${variant.tokens} wg${variant.workgroup}${variant.shared ? " shared" : ""}${variant.pairs ? " pairs" : ""}${tail}`;
    case "split":
      return `split ${variant.rows}x${variant.tokens} wg${variant.workgroup}${variant.subgroups ? " subgroups" : ""}${tail}`;
    case "tile":
      return `tile 64x${variant.tokens * 8}${tail}`;
  }
}

/** Rows and tokens of one workgroup. */
export function workgroupTile(variant: MatVariant): { rows: number; tokens: number } {
  switch (variant.kind) {
    case "threads":
      return { rows: variant.rows * variant.workgroup, tokens: variant.tokens };
    case "split":
      return { rows: variant.rows, tokens: variant.tokens };
    case "tile":
      return { rows: 64, tokens: variant.tokens * 8 };
  }
}

/** A split kernel's workgroups in x before they continue in z; the limit is 65,535. */
export const SPLIT_FOLD = 32_768;

const FORMATS = sectionsOf(formatsFile);
const INPUTS = sectionsOf(inputsFile);
const COMMON = sectionsOf(commonFile);

type FormatParts = {
  load: string;
  packed: string;
  placed: string;
  dot: string;
  min: boolean;
  /** Whether quants are converted where they lie in their word, and nibbles among them. */
  places: "none" | "bytes" | "nibbles";
};

function quantParts(
  format: BlockFormat,
  packed: string,
  placed: string,
  min: boolean,
  dot = "plain.dot",
): FormatParts {
  const places = placed === "nibbles.placed" ? "nibbles" : "bytes";
  return { load: `${format}.load`, packed, placed, dot, min, places };
}

const whole = (format: BlockFormat): FormatParts => ({
  ...quantParts(format, "nibbles.packed", `${format}.placed`, false),
  load: "whole.load",
  places: "none",
});

/** Formats whose quants are four bits without a sign, as `pairs` needs. */
export function hasNibbles(format: BlockFormat): boolean {
  return format === "Q4_0" || format === "Q4_1" || format === "Q4_K";
}

const FORMAT_PARTS: Record<BlockFormat, FormatParts> = {
  F32: whole("F32"),
  F16: whole("F16"),
  BF16: whole("BF16"),
  Q8_0: quantParts("Q8_0", "Q8_0.packed", "signed.placed", false),
  Q4_0: quantParts("Q4_0", "nibbles.packed", "nibbles.placed", true),
  Q4_1: quantParts("Q4_1", "nibbles.packed", "nibbles.placed", true),
  Q5_0: quantParts("Q5_0", "fifth.packed", "unsigned.placed", true),
  Q5_1: quantParts("Q5_1", "fifth.packed", "unsigned.placed", true),
  Q4_K: quantParts("Q4_K", "nibbles.packed", "nibbles.placed", true),
  Q5_K: quantParts("Q5_K", "fifth.packed", "unsigned.placed", true),
  Q6_K: quantParts("Q6_K", "Q6_K.packed", "Q6_K.placed", false, "Q6_K.dot"),
};

/** The parts that turn `at_{r}`, `meta_{r}` and `block` into weights, for other kernels of this format. */
export function formatParts(format: BlockFormat): Record<string, string> {
  const { load, packed, placed, dot, min, places } = FORMAT_PARTS[format];
  return {
    ...FORMATS,
    load: FORMATS[load]!,
    packed: FORMATS[packed]!,
    placed: FORMATS[placed]!,
    floats: FORMATS[places === "none" ? "whole.floats" : "placed.floats"]!,
    dot: FORMATS[dot]!,
    weight: INPUTS[min ? "min.weight" : "plain.weight"]!,
  };
}

/** What the high half of a byte adds to its place, as template value. */
export function highPlace(format: BlockFormat): number {
  return FORMAT_PARTS[format].places === "nibbles" ? 15 : 0;
}

/** The shader's text. */
export function matWgsl(source: MatSource): string {
  const { format, activations, norm, epilogue, variant } = source;
  const { min, places } = FORMAT_PARTS[format];
  // f16 holds no quant in the upper bytes' places.
  const placing = places === "none" || variant.float16 ? "whole" : "placed";
  const parts = {
    ...COMMON,
    ...formatParts(format),
    ...inputParts(activations, norm, min, variant),
    place: activations === "float" && !isSharing(variant) ? INPUTS[`${placing}.place`]! : "",
    lane: isSharing(variant) ? INPUTS[`${placing}.lane`]! : "",
    epilogue: epilogue.wgsl,
    squares: norm ? INPUTS[isSharing(variant) ? "shared.squares" : "own.squares"]! : "",
    factor: INPUTS[norm ? "norm.factor" : "plain.factor"]!,
    "split-factor": INPUTS[norm ? "norm.split-factor" : "plain.split-factor"]!,
    "tile-x": INPUTS[norm ? "norm.tile-x" : "plain.tile-x"]!,
    "tile-squares": norm ? INPUTS["norm.tile-squares"]! : "",
    reduce:
      COMMON[variant.kind === "split" && variant.subgroups ? "subgroup.reduce" : "thread.reduce"]!,
  };
  return expandTemplate(WGSL[variant.kind], values(source), parts);
}

const isSharing = (variant: MatVariant) => variant.kind === "threads" && variant.shared;

const WGSL = { threads: threadsWgsl, split: splitWgsl, tile: tileWgsl };

/** How activations are read: see mat-inputs.wgsl. */
type InputKind = "float" | "int8" | "pairs";

function inputKind(activations: Activations, variant: MatVariant): InputKind {
  if (activations === "float") return "float";
  return variant.kind === "threads" && variant.pairs === true ? "pairs" : "int8";
}

function inputParts(activations: Activations, norm: boolean, min: boolean, variant: MatVariant) {
  const sharing = isSharing(variant);
  const kind = inputKind(activations, variant);
  const own =
    kind === "float" ? (sharing ? "shared" : "own") : `${kind}${sharing ? "-shared" : ""}`;
  const normed = norm ? `${own}-norm` : own;
  // The most special section that there is.
  const either = (...names: string[]) => INPUTS[names.find((name) => name in INPUTS) ?? "nothing"]!;
  const declare = sharing ? "int8-shared.declare" : "int8.declare";
  return {
    declare: INPUTS[kind === "float" ? "float.declare" : declare]!,
    "declare-norm": norm ? INPUTS["norm.declare"]! : "",
    start: INPUTS[`${kind}.start`]!,
    "x-block": either(`${normed}.block`, `${own}.block`),
    "x-group": either(`${normed}.group`, `${own}.group`),
    "x-group-sum": min && own === "own" ? INPUTS["own.group-sum"]! : "",
    "x-sum": min && kind !== "pairs" ? either(`${own}.sum`, `${kind}.sum`) : "",
    product: INPUTS[variant.float16 ? "f16.product" : `${kind}.product`]!,
    add: INPUTS[`${kind}.${min ? "add-min" : "add"}`]!,
  };
}

function values({ format, activations, variant }: MatSource) {
  const { float16 } = variant;
  const subgroups = isSharing(variant) || (variant.kind === "split" && variant.subgroups);
  const rows = variant.kind === "tile" ? 8 : variant.rows;
  const workgroup = variant.kind === "tile" ? 64 : variant.workgroup;
  const smallestSubgroup = 4;
  return {
    ENABLE: `${subgroups ? "enable subgroups;\n" : ""}${float16 ? "enable f16;\n" : ""}`,
    ROWS: rows,
    PAIRS: rows / 2,
    TOKENS: variant.tokens,
    WG: workgroup,
    VECTORS: vectorsPerBlock(format),
    // The type of x is vec4<f32>, vec4<u32> of 16 bytes, or vec2<u32> where lanes share it.
    X_VECTORS: activations === "float" ? 8 : isSharing(variant) ? 4 : 2,
    VALUES: (rows + 1) * variant.tokens,
    SLOTS: subgroups ? workgroup / smallestSubgroup : workgroup,
    FOLD: SPLIT_FOLD,
    TILE_TYPE: float16 ? "f16" : "f32",
    HIGH: highPlace(format),
    LANE_ARGUMENT: subgroups
      ? "  @builtin(subgroup_size) lanes: u32,\n  @builtin(subgroup_invocation_id) lane_id: u32,"
      : "",
  };
}
