/** The lines that `npm run bench -- kernels` prints for people. */
import type { Asked } from "./noted-run.ts";
import type { AttentionWork } from "./attention-traffic.ts";
import type { CountedAttention, CountedMat, MatCase, MatTiming } from "./page.ts";

export const MAT_TRAFFIC_LEGEND = `matrices: for each multiply-accumulate, bytes loaded -> moved without a cache, bytes read
from workgroup memory, and instructions: products + preparation of their operands`;

export const ATTENTION_TRAFFIC_LEGEND = `attention: for each query head and position, bytes loaded -> moved without a cache (minimum:
each key and value once a step), bytes read from workgroup memory, and exponentials`;

export function timingLine(browser: string, work: MatCase, timing: MatTiming, ratio: number) {
  const { format, rows, columns, tokens, activations } = work;
  const what = `${browser} ${format} ${rows}x${columns} ${tokens} ${activations}`;
  const rate = `${timing.gigaMacs.toFixed(2)} GMAC/s  ${ratio.toFixed(2)}`;
  return `${what.padEnd(44)} ${timing.variant.padEnd(28)} ${rate}  compile ${timing.compileMs.toFixed(0)} ms`;
}

export function matTrafficLine(browser: string, work: MatCase, one: CountedMat): string {
  const { format, tokens, activations } = work;
  return [
    `${browser} ${format} ${tokens} ${activations}`.padEnd(28),
    one.variant.padEnd(26),
    `${one.threads} threads`.padStart(14),
    `${one.conversions.toFixed(3)} conversions`.padStart(18),
    `weights ${arrow(one.weightBytes, one.weightSectorBytes)}`.padStart(23),
    `inputs ${arrow(one.inputBytes, one.inputSectorBytes)}`.padStart(22),
    `workgroup ${one.workgroupBytes.toFixed(2)}`.padStart(15),
    `instructions ${one.products.toFixed(2)} + ${one.forms.toFixed(2)}`.padStart(25),
  ].join(" ");
}

export function attentionTrafficLine(
  browser: string,
  work: AttentionWork,
  one: CountedAttention,
): string {
  const { heads, keyValueHeads, headSize, rows, context } = work;
  const asked = ({ bytes, sectorBytes }: Asked) => arrow(bytes, sectorBytes, 0);
  return [
    `${browser} attention ${heads}/${keyValueHeads}x${headSize} ${rows} of ${context}`.padEnd(42),
    one.variant.padEnd(15),
    `${one.threads} threads`.padStart(15),
    `keys ${asked(one.keys)}`.padStart(16),
    `values ${asked(one.values)}`.padStart(18),
    `minimum ${one.leastBytes.toFixed(0)}`.padStart(10),
    `workgroup ${one.workgroupBytes.toFixed(0)}`.padStart(15),
    `exponentials ${one.exponentials.toFixed(1)}`.padStart(18),
  ].join(" ");
}

function arrow(asked: number, moved: number, digits = 2): string {
  return `${asked.toFixed(digits)} -> ${moved.toFixed(digits)}`;
}
