/** Thread of the GPU: a stage of a pipeline, over the engine. See src/stage/types.ts for what it offers. */
import { expose } from "comlink";
import { requestKernelDevice } from "../src/kernels/index.ts";
import { loadShard } from "../src/engine/load-shard.ts";
import { StageHost } from "../src/stage/stage-worker.ts";
import { DeviceTuner } from "../src/tuner/index.ts";

let device: Promise<GPUDevice> | null = null;

/** One device for all shards of this worker, and a new one once it is lost. */
function currentDevice(): Promise<GPUDevice> {
  device ??= requestKernelDevice();
  // A worker that never got one asks again at the next load.
  device
    .then(({ lost }) => lost)
    .finally(() => (device = null))
    .catch(() => undefined);
  return device;
}

expose(
  new StageHost(async (...request) => {
    const device = await currentDevice();
    return loadShard({ device, tuner: new DeviceTuner(device) }, ...request);
  }),
);
