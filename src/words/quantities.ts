/** Quantities as people read them. */

export function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
}

/** "15%" of a fraction from 0 to 1. */
export function percent(fraction: number): string {
  return `${Math.round(fraction * 100)}%`;
}

/** Every byte counts where a limit is missed: "2,800 bytes". */
export function exactBytes(bytes: number): string {
  return `${Math.ceil(bytes).toLocaleString("en-US")} bytes`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Rounded up, as for a requirement. */
export function gibibytesNeeded(bytes: number): string {
  return `${(Math.ceil((bytes / 2 ** 30) * 10) / 10).toFixed(1)} GiB`;
}

/** "layer 3" or "layers 0–5" for the layers `[first, end)`. */
export function layerRange({ first, end }: { readonly first: number; readonly end: number }) {
  return end - first === 1 ? `layer ${first}` : `layers ${first}–${end - 1}`;
}

/** "a", "a and b", "a, b, and c". */
export function listed(items: readonly string[]): string {
  if (items.length < 3) return items.join(" and ");
  return `${items.slice(0, -1).join(", ")}, and ${items.at(-1)}`;
}
