/** The parts and values of mat-tile.wgsl for a block format, a kind of activations, and a tile. */
import type { BlockFormat } from "../../tensor/index.ts";
import { sectionsOf } from "../core/template.ts";
import partsFile from "./mat-tile-parts.wgsl?raw";
import {
  type Activations,
  type MatVariant,
  type Tile,
  tileBlocks,
  tileThreads,
} from "./mat-variant.ts";

const PARTS = sectionsOf(partsFile);

type TileSource = {
  readonly format: BlockFormat;
  readonly activations: Activations;
  readonly variant: MatVariant;
};

const OF_ACTIVATIONS = ["tile-scales", "tile-w", "tile-x", "tile-product"];

/** `fetch` and `min` are the format's (mat-source.ts); `formats` are the sections that fetch may name. */
export function tileParts(
  { format, activations, variant }: TileSource,
  formats: Readonly<Record<string, string>>,
  { fetch, decode, min }: Readonly<{ fetch: string; decode: string; min: boolean }>,
): Record<string, string> {
  const kind = format === "Q6_K" ? format : min ? "min" : "plain";
  const isSliced = variant.kind === "tile" && variant.slices > 1;
  return {
    ...PARTS,
    ...Object.fromEntries(OF_ACTIVATIONS.map((name) => [name, PARTS[`${activations}.${name}`]!])),
    "tile-scale": PARTS[`${kind}.tile-scale`]!,
    "tile-block": PARTS[`${kind}.tile-block`]!,
    "tile-results": PARTS[`${isSliced ? "sliced" : "whole"}.tile-results`]!,
    // The floats of a block would occupy too many registers until they are needed.
    ...(activations === "int8"
      ? keptFetch(formats[fetch]!, formats)
      : { "tile-keep": "", "tile-fetch": "", decode: `${formats[fetch]!}\n${formats[decode]!}` }),
  };
}

/** X.fetch (mat-formats.wgsl) into variables, which are declared before the loop. */
function keptFetch(fetch: string, formats: Readonly<Record<string, string>>) {
  const text = fetch.replace(/^\/\/ #part (\S+)$/gm, (_line, name: string) => formats[name]!);
  const memory = /^let (\S+) = (quants|scales)\[/gm;
  const declarations = [...text.matchAll(memory)].map(
    ([, name, from]) => `var ${name!}: ${from === "quants" ? "vec4<u32>" : "u32"};`,
  );
  return { "fetch-w": text.replace(memory, "$1 = $2["), "keep-w": declarations.join("\n") };
}

/** The tile's values in its templates. */
export function tileValues({ size, slices }: Tile, activations: Activations) {
  const threads = tileThreads(size);
  const blocks = tileBlocks(size, activations);
  return {
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
