/** Selects the kernel variants that a shard runs, first by measured traits of the adapter, then by short measurements. */
export { makeMatBench, type MatJob, readBack } from "./mat-bench.ts";
export { DeviceTuner } from "./tuner.ts";
export { forgetTuning } from "./tuning-store.ts";
