/** This tab's adapter in one line, or why there is none. */
import type { ProbeResult } from "../probe/index.ts";
import { describeNoAdapter } from "../words/index.ts";

export function describeAdapter({ adapter, noAdapter }: ProbeResult): string {
  if (adapter === null) return describeNoAdapter(noAdapter);
  const name = [adapter.vendor, adapter.architecture, adapter.device].filter(Boolean).join(" ");
  return `${name || adapter.description || "A GPU"} in ${adapter.browser}`;
}
