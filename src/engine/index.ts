/** A shard of a model on a GPU: its weights, its KV cache, and one step over a batch. */
export { EngineError } from "./engine-error.ts";
export { loadShard } from "./load-shard.ts";
export type {
  EngineCounters,
  LoadProgress,
  OnDeviceError,
  SampledToken,
  SampleRequest,
  Shard,
  ShardMemory,
  ShardOptions,
  StepRow,
  TokenProbability,
} from "./types.ts";
