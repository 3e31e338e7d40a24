/** Selects the kernel variants that a shard runs, by the kind of adapter and by short measurements. */
export { disagreement, readBack } from "./agreement.ts";
export { fastestChunk } from "./chunk-rows.ts";
export { makeMatBench, type MatJob } from "./mat-bench.ts";
export { measuredChoice } from "./measured-choice.ts";
export {
  type AttentionJob,
  attentionLine,
  tuneAttention,
  unmeasuredAttention,
} from "./tune-attention.ts";
export { type Tuned, tunedLine, type TuneJob, tuneMat, unmeasured } from "./tune-mat.ts";
export { DeviceTuner } from "./tuner.ts";
export { forgetTuning } from "./tuning-store.ts";
