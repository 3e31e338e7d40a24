/** One stage of the pipeline, as its loop in the GPU worker: frames in, a step, frames out. */
export { randomAt } from "./random.ts";
export { StageError } from "./stage-error.ts";
export { type ShardLoader, StageHost } from "./stage-host.ts";
export type { StageWorker } from "./stage-worker.ts";
