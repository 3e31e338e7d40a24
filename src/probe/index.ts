/** Measures what this tab's adapter is and what it can do. */
export { cachedProbe } from "./result-cache.ts";
export { identify } from "./describe-adapter.ts";
export { probeAdapter } from "./probe.ts";
export type { ProbeProgress, ProbeResult, ProbeWorker } from "./types.ts";
