/** Selects the kernel variants that a shard runs, by the kind of adapter and by short measurements. */
export { makeMatBench, type MatJob } from "./mat-bench.ts";
export { DeviceTuner } from "./tuner.ts";
export { forgetTuning } from "./tuning-store.ts";
