/** The values of mat-tile.wgsl, and what it reads before it is needed. */
import { type Activations, type Tile, tileBlocks, tileThreads } from "./mat-variant.ts";

/** X.fetch (mat-formats.wgsl) into variables, which are declared before the loop. */
export function keptFetch(parts: Readonly<Record<string, string>>) {
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
export function tileValues({ size, slices }: Tile, activations: Activations) {
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
