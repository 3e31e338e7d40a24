/** The lines that `npm run bench -- kernels` prints for people. */
import type { BenchCase, Timing } from "./cases.ts";

/** `ratio` is the speed over the fastest variant's. A chosen variant is marked with an asterisk. */
export function timingLine(browser: string, work: BenchCase, timing: Timing, ratio: number) {
  const { variant, microseconds, macs, weightBytes, compileMs, isChosen } = timing;
  const shape =
    work.kind === "norms"
      ? `${work.columns} columns, ${work.tokens} rows`
      : `${work.format} ${work.rows}x${work.columns} ${work.tokens} ${work.activations}`;
  const rates = [
    `${microseconds.toFixed(1)} us`,
    ...(macs > 0 ? [`${(macs / microseconds / 1e3).toFixed(2)} GMAC/s`] : []),
    ...(weightBytes > 0 ? [`${(weightBytes / microseconds / 1e3).toFixed(0)} GB/s`] : []),
    ...(work.kind === "product" ? [ratio.toFixed(2)] : []),
  ];
  const name = `${variant}${isChosen ? " *" : ""}`;
  return `${`${browser} ${shape}`.padEnd(44)} ${name.padEnd(28)} ${rates.join("  ")}  compile ${compileMs.toFixed(0)} ms`;
}
