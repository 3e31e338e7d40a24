/** A shard of a model on a GPU: its weights, its KV cache, and one step over a batch. */
export { loadShard } from "./load-shard.ts";
export { packThreads, servedPacking } from "./pack-threads.ts";
export type {
  EngineCounters,
  LoadProgress,
  OnDeviceError,
  SampledToken,
  SampleRequest,
  Shard,
  ShardOptions,
  StepResult,
  StepRow,
  StepToken,
} from "./types.ts";
