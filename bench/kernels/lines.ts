/** The lines that `npm run bench -- kernels` prints for people. */
import type { MatCase, MatTiming } from "./page.ts";

export function timingLine(browser: string, work: MatCase, timing: MatTiming, ratio: number) {
  const { format, rows, columns, tokens, activations } = work;
  const what = `${browser} ${format} ${rows}x${columns} ${tokens} ${activations}`;
  const rate = `${timing.gigaMacs.toFixed(2)} GMAC/s  ${ratio.toFixed(2)}`;
  return `${what.padEnd(44)} ${timing.variant.padEnd(28)} ${rate}  compile ${timing.compileMs.toFixed(0)} ms`;
}
