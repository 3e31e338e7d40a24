/**
 * The shader of a matrix product, assembled from parts for a block format, a kind of activations and a
 * variant. Knows neither buffers nor devices.
 */
import type { BlockFormat } from "../../tensor/index.ts";
import commonFile from "./mat-common.wgsl?raw";
import formatsFile from "./mat-formats.wgsl?raw";
import inputsFile from "./mat-inputs.wgsl?raw";
import splitWgsl from "./mat-split.wgsl?raw";
import subgroupsWgsl from "./mat-subgroups.wgsl?raw";
import threadsWgsl from "./mat-threads.wgsl?raw";
import tileWgsl from "./mat-tile.wgsl?raw";
import { tileParts, tileValues } from "./mat-tile.ts";
import { expandTemplate, sectionsOf } from "../core/template.ts";
import { type Activations, type MatVariant, needsSubgroups, usesQuads } from "./mat-variant.ts";
import { vectorsPerBlock } from "./weights-pack.ts";

/** What happens to a pair of results. */
export type MatEpilogue = {
  readonly name: string;
  /** Declares bindings from 6 on, and `store_pair`; may use `shape` and `step`. */
  readonly wgsl: string;
};

export type MatSource = {
  readonly format: BlockFormat;
  readonly activations: Activations;
  readonly norm: boolean;
  readonly epilogue: MatEpilogue;
  readonly variant: MatVariant;
};

/** A split kernel's workgroups in x before they continue in z; the limit is 65,535. */
export const SPLIT_FOLD = 32_768;

const FORMATS = sectionsOf(formatsFile);
const INPUTS = sectionsOf(inputsFile);
const COMMON = sectionsOf(commonFile);

type FormatParts = {
  fetch: string;
  decode: string;
  packed: string;
  placed: string;
  elements: string;
  lane: string;
  dot: string;
  min: boolean;
  /** Whether quants are converted in their places within a word, and whether these are nibbles. */
  places: "none" | "bytes" | "nibbles";
};

function quantParts(
  format: BlockFormat,
  packed: string,
  placed: string,
  min: boolean,
  dot = "plain.dot",
): FormatParts {
  const kind = placed.slice(0, placed.indexOf("."));
  const places = kind === "nibbles" ? "nibbles" : "bytes";
  const lane = kind === "unsigned" ? "places.lane" : `${kind}.lane`;
  const elements = `${kind}.elements`;
  const [fetch, decode] = [`${format}.fetch`, `${format}.decode`];
  return { fetch, decode, packed, placed, elements, lane, dot, min, places };
}

const whole = (format: BlockFormat): FormatParts => ({
  ...quantParts(format, "nibbles.packed", `${format}.placed`, false),
  fetch: "whole.fetch",
  decode: "whole.decode",
  lane: "whole.lane",
  places: "none",
});

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
  const { fetch, decode, packed, placed, elements, dot, min, places } = FORMAT_PARTS[format];
  return {
    ...FORMATS,
    load: `${FORMATS[fetch]!}\n${FORMATS[decode]!}`,
    fetch: FORMATS[fetch]!,
    decode: FORMATS[decode]!,
    packed: FORMATS[packed]!,
    placed: FORMATS[placed]!,
    places: FORMATS["places.lane"]!,
    elements: FORMATS[elements]!,
    floats: FORMATS[places === "none" ? "whole.floats" : "placed.floats"]!,
    dot: FORMATS[dot]!,
    weight: INPUTS[min ? "min.weight" : "plain.weight"]!,
  };
}

/** The template value by which the high half of a byte is larger than its place. */
export function highPlace(format: BlockFormat): number {
  return FORMAT_PARTS[format].places === "nibbles" ? 15 : 0;
}

/** All layers have the same few shaders. */
const texts = new Map<string, string>();

/** The shader's text. */
export function matWgsl(source: MatSource): string {
  const key = JSON.stringify(source);
  const text = texts.get(key) ?? expanded(source);
  texts.set(key, text);
  return text;
}

function expanded(source: MatSource): string {
  const { format, activations, norm, epilogue, variant } = source;
  const { min, places, lane } = FORMAT_PARTS[format];
  const quads = usesQuads(variant);
  const placing = places === "none" ? "whole" : "placed";
  const parts = {
    ...COMMON,
    ...formatParts(format),
    ...inputParts(activations, norm, min, variant),
    ...(quads ? { block: COMMON["quads.block"]!, swaps: INPUTS["quads.swaps"]! } : {}),
    place: activations === "float" ? INPUTS[`${placing}.place`]! : "",
    lane: quads ? `${INPUTS["quads.lane"]!}\n${FORMATS[lane]!}` : "",
    epilogue: epilogue.wgsl,
    squares: norm ? INPUTS[quads ? "quads.squares" : "own.squares"]! : "",
    factor: INPUTS[norm ? "norm.factor" : "plain.factor"]!,
    ...(variant.kind === "tile" ? tileParts(source, FORMATS, FORMAT_PARTS[format]) : {}),
  };
  return expandTemplate(WGSL[variant.kind], values(source), parts);
}

const WGSL = {
  threads: threadsWgsl,
  split: splitWgsl,
  subgroups: subgroupsWgsl,
  tile: tileWgsl,
};

function inputParts(activations: Activations, norm: boolean, min: boolean, variant: MatVariant) {
  const pairs = variant.kind === "threads" && variant.inner === "pairs";
  const kind = activations === "float" ? "float" : pairs ? "pairs" : "int8";
  const own = kind === "float" ? (usesQuads(variant) ? "quads" : "own") : kind;
  const normed = norm ? `${own}-norm` : own;
  // The most specific section that exists.
  const either = (...names: string[]) => INPUTS[names.find((name) => name in INPUTS) ?? "nothing"]!;
  return {
    declare: either(`${own}.declare`, `${activations}.declare`),
    "declare-norm": norm ? either(`${normed}.declare`, "norm.declare") : "",
    start: INPUTS[`${kind}.start`]!,
    "x-block": either(`${normed}.block`, `${own}.block`),
    "x-group": either(`${normed}.group`, `${own}.group`),
    "x-group-sum": min && own === "own" ? INPUTS["own.group-sum"]! : "",
    "x-sum": min && kind !== "pairs" ? either(`${own}.sum`, `${kind}.sum`) : "",
    product: INPUTS[`${kind}.product`]!,
    add: INPUTS[`${kind}.${min ? "add-min" : "add"}`]!,
  };
}

function values({ format, activations, variant }: MatSource) {
  const tile = variant.kind === "tile" ? tileValues(variant, activations) : null;
  const { rows = 1, tokens = 1, workgroup = 0 } = variant.kind === "tile" ? {} : variant;
  return {
    ENABLE: needsSubgroups(variant) ? "enable subgroups;\n" : "",
    ROWS: rows,
    PAIRS: rows / 2,
    TOKENS: tokens,
    WG: workgroup,
    VECTORS: vectorsPerBlock(format),
    // Of x's type (mat-inputs.wgsl): f32, vec4<f32>, or vec4<u32> of 16 bytes.
    X_VECTORS: activations === "int8" ? 2 : usesQuads(variant) ? 32 : 8,
    LANES: variant.kind === "subgroups" ? variant.lanes : 0,
    FOLD: SPLIT_FOLD,
    HIGH: highPlace(format),
    LANE_ARGUMENT: needsSubgroups(variant)
      ? "  @builtin(subgroup_size) lanes: u32,\n  @builtin(subgroup_invocation_id) lane_id: u32,"
      : "",
    ...tile,
  };
}
