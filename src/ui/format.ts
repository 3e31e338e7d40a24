/** Numbers for people: three significant figures and a unit. Pure. */

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

/** A time in ms, or µs below a hundredth of a ms, or s above ten seconds. */
export function time(ms: number): string {
  if (ms === 0) return "0 ms";
  if (ms < 0.1) return `${figure(ms * 1000)} µs`;
  return ms >= 10_000 ? `${figure(ms / 1000)} s` : `${figure(ms)} ms`;
}

/** A count per ms, in billions per second: GB/s, GFLOPS, GMAC/s. */
export function giga(perMs: number): string {
  return figure(perMs / 1e6);
}

export function percent(fraction: number): string {
  return `${Math.round(fraction * 100)}%`;
}

/** "1 layer", "4 layers". */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
