/** One stage of the pipeline, as its loop in the GPU worker: frames in, a step, frames out. */
export { randomAt } from "./random.ts";
export { type ShardLoader, StageHost, type StageWorker } from "./stage-host.ts";
