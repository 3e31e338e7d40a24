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
import tileFile from "./mat-tile-parts.wgsl?raw";
import { expandTemplate, partsOf, sectionsOf } from "../core/template.ts";
import {
  type Activations,
  hasNibbles,
  type MatVariant,
  needsSubgroups,
  type Tile,
  tileBlocks,
  tileThreads,
  usesQuads,
} from "./mat-variant.ts";
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

const SECTIONS = sectionsOf(commonFile, formatsFile, inputsFile, tileFile);

/** Quants with a minimum, as they lie in their words. */
const NIBBLES = ["quants", "nibbles", "min"];
const FIVE_BITS = ["quants", "unsigned", "fifth", "min"];

/** Whose parts a format shares with others. */
const KINDS: Record<BlockFormat, readonly string[]> = {
  F32: ["whole"],
  F16: ["whole"],
  BF16: ["whole"],
  Q8_0: ["quants", "signed"],
  Q4_0: NIBBLES,
  Q4_1: [...NIBBLES, "pair"],
  Q5_0: FIVE_BITS,
  Q5_1: [...FIVE_BITS, "pair"],
  Q4_K: [...NIBBLES, "six-bit"],
  Q5_K: [...FIVE_BITS, "six-bit"],
  Q6_K: ["quants"],
};

const formatKinds = (format: BlockFormat) => ["plain", ...KINDS[format], format];

/** The parts that turn `at_{r}`, `meta_{r}` and `block` into weights, for other kernels of this format. */
export const formatParts = (format: BlockFormat) => partsOf(SECTIONS, ...formatKinds(format));

/** The template value by which the high half of a byte is larger than its place. */
export const highPlace = (format: BlockFormat) => (hasNibbles(format) ? 15 : 0);

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
  const { epilogue, variant } = source;
  const parts = { ...partsOf(SECTIONS, ...kindsOf(source)), epilogue: epilogue.wgsl };
  const kept = variant.kind === "tile" ? keptFetch(parts) : {};
  return expandTemplate(WGSL[variant.kind], values(source), { ...parts, ...kept });
}

const WGSL = {
  threads: threadsWgsl,
  split: splitWgsl,
  subgroups: subgroupsWgsl,
  tile: tileWgsl,
};

/** Whose parts a product has, the most specific last. */
function kindsOf({ format, activations, norm, variant }: MatSource): string[] {
  const own = usesQuads(variant) ? "quads" : "own";
  const pairs = variant.kind === "threads" && variant.inner === "pairs";
  const inputs = activations === "float" ? own : pairs ? "pairs" : "int8";
  return [
    ...formatKinds(format),
    activations,
    inputs,
    ...(norm ? ["norm", `${inputs}-norm`] : []),
    ...(KINDS[format].includes("min") ? [`${activations}-min`, `${inputs}-min`] : []),
    variant.kind === "tile" && variant.slices > 1 ? "sliced" : "unsliced",
  ];
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

/** X.fetch (mat-formats.wgsl) into variables, which are declared before the loop. */
function keptFetch(parts: Readonly<Record<string, string>>) {
  const text = parts["fetch"]!.replace(
    /^\/\/ #part (\S+)$/gm,
    (_line, name: string) => parts[name]!,
  );
  const memory = /^let (\S+) = (quants|scales)\[/gm;
  const declarations = [...text.matchAll(memory)].map(
    ([, name, from]) => `var ${name!}: ${from === "quants" ? "vec4<u32>" : "u32"};`,
  );
  return { "fetch-w": text.replace(memory, "$1 = $2["), "keep-w": declarations.join("\n") };
}

/** The tile's values in its templates. */
function tileValues({ size, slices }: Tile, activations: Activations) {
  const threads = tileThreads(size);
  const blocks = tileBlocks(size, activations);
  return {
    r: 0, // of the rows that a thread loads
    SIZE: size,
    HALF: size / 2,
    QUARTER: size / 4,
    SLICES: slices,
    THREADS: threads,
    WG: threads * slices,
    BLOCKS: blocks,
    STEP: blocks * slices,
    DEPTH: activations === "int8" ? 2 : 8,
    VECTOR: activations === "int8" ? "vec4<u32>" : "vec4<f32>",
  };
}
