/** Quantities for people: a few significant figures and a unit. Pure. */

/** "15%" of a fraction from 0 to 1. */
export function percent(fraction: number): string {
  return `${Math.round(fraction * 100)}%`;
}

/** Every byte counts where a limit is missed: "2,800 bytes". */
export function exactBytes(count: number): string {
  return `${Math.ceil(count).toLocaleString("en-US")} bytes`;
}

/** Rounded up, as for a requirement. */
export function gibibytesNeeded(count: number): string {
  return `${(Math.ceil((count / 2 ** 30) * 10) / 10).toFixed(1)} GiB`;
}

/** "layer 3" or "layers 0–5" for the layers `[first, end)`. */
export function layerRange({ first, end }: { readonly first: number; readonly end: number }) {
  return end - first === 1 ? `layer ${first}` : `layers ${first}–${end - 1}`;
}

/** A phrase as the beginning of a sentence. */
export function capitalized(phrase: string): string {
  return phrase.charAt(0).toUpperCase() + phrase.slice(1);
}

/** "a", "a and b", "a, b, and c". */
export function listed(items: readonly string[]): string {
  if (items.length < 3) return items.join(" and ");
  return `${items.slice(0, -1).join(", ")}, and ${items.at(-1)}`;
}

const BYTE_UNITS = ["B", "KB", "MB", "GB", "TB"] as const;

/** Three significant figures, without an exponent and with few decimals. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "?";
  const size = Math.abs(value);
  if (size >= 99.95) return Math.round(value).toLocaleString("en");
  if (size >= 9.995) return value.toFixed(1);
  if (size >= 0.995) return value.toFixed(2);
  return size === 0 ? "0" : value.toPrecision(2);
}

/** Bytes in powers of 1,000, as usual for file sizes and bandwidths. */
export function bytes(value: number): string {
  let unit = 0;
  let scaled = value;
  while (scaled >= 999.5 && unit < BYTE_UNITS.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${Math.round(scaled)} B` : `${figure(scaled)} ${BYTE_UNITS[unit]}`;
}

/** A time in ms, or µs below a tenth of a ms, or s from one second on. */
export function time(ms: number): string {
  if (ms === 0) return "0 ms";
  if (ms < 0.1) return `${figure(ms * 1000)} µs`;
  return ms >= 999.5 ? `${figure(ms / 1000)} s` : `${figure(ms)} ms`;
}

/** Rounded up, as for a wait or an estimate: "40 s". */
export function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`;
}

/** A count per ms, in billions per second: GB/s, GFLOPS, GMAC/s. */
export function giga(perMs: number): string {
  return figure(perMs / 1e6);
}

/** "1 layer", "4 layers". */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
