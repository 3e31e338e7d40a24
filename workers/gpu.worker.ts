/** The GPU thread: a stage of a pipeline, over the engine. src/stage/stage-host.ts has its interface. */
import { expose } from "comlink";
import { requestKernelDevice } from "../src/kernels/index.ts";
import { loadShard, packThreads, servedPacking } from "../src/engine/index.ts";
import { detailOf, FailureError } from "../src/shared/index.ts";
import { StageHost } from "../src/stage/index.ts";
import { DeviceTuner } from "../src/tuner/index.ts";

let device: Promise<GPUDevice> | null = null;

/** One device for all shards of this worker, and a new one after it was lost. */
function currentDevice(): Promise<GPUDevice> {
  device ??= requestKernelDevice().catch((error: unknown) => {
    throw new FailureError({ reason: "gpu_unavailable", detail: detailOf(error) });
  });
  // If there is none, the next load requests one again.
  device
    .then(({ lost }) => lost)
    .finally(() => (device = null))
    .catch(() => undefined);
  return device;
}

const host = new StageHost(async (...request) => {
  const device = await currentDevice();
  const packers = packThreads(navigator.hardwareConcurrency);
  const gpu = { device, tuner: new DeviceTuner(device), pack: packers.pack };
  return loadShard(gpu, ...request).finally(() => packers.close());
});
// This script also runs in the threads that pack weights.
expose(Object.assign(host, servedPacking));
