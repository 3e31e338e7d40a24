/**
 * Background work deferred by a load: measuring a shard's variants between its steps, while a first
 * guess runs, and compiling the kernels of batches. Better variants are compiled, bound and run once
 * before they replace the first guess, so that no step waits for them.
 */
import {
  type OtherWork,
  type ShardWork,
  STEP_BYTES,
  type TunedShard,
  type Tuner,
  workDone,
  WORKLOADS,
} from "../kernels/index.ts";
import { detailOf } from "../shared/index.ts";
import type { GpuShard } from "./gpu-shard.ts";
import type { LayerPlan, MatContext, Recorded } from "./layer-plan.ts";
import type { SamplePlan } from "./sample-plan.ts";

export type BackgroundTuning = {
  readonly device: GPUDevice;
  readonly tuner: Tuner;
  readonly shard: GpuShard;
  readonly work: ShardWork;
  readonly chosen: TunedShard;
  /** What the shard runs meanwhile. */
  readonly context: MatContext;
  readonly step: GPUBuffer;
  readonly sample: SamplePlan | null;
  readonly planLayers: (context: MatContext) => Promise<readonly LayerPlan[]>;
};

/** Longer than the pauses between the steps of an answer, shorter than those between answers. */
const QUIET_MS = 30;

/** Never rejects: a failure is reported, and the first guess stays. */
export async function tuneInBackground(parts: BackgroundTuning): Promise<void> {
  const { shard, chosen, context, sample, planLayers } = parts;
  try {
    const measured = chosen.final ? chosen : await measure(parts);
    const next = { ...context, variants: measured.variants };
    const [layers, head] = await Promise.all([planLayers(next), sample?.planHead(next)]);
    // Unloaded meanwhile: its buffers are gone, and using them would fail the device's other shards.
    if (shard.failure !== null) return;
    await runOnce(parts, layers, head);
    if (shard.failure !== null) return;
    if (head !== undefined) sample?.adopt(head);
    shard.adopt(layers, measured.maxRows, measured.kernels);
  } catch (error) {
    if (shard.failure !== null) return;
    const tuning = { status: "failed", detail: detailOf(error) } as const;
    shard.describe({ ...chosen.kernels, tuning });
  }
}

function measure({ tuner, shard, work, chosen }: BackgroundTuning): Promise<TunedShard> {
  const { submitWhileWaiting } = shard.options;
  const onProgress = (done: number, total: number) =>
    shard.describe({ ...chosen.kernels, tuning: { status: "first_guess", done, total } });
  onProgress(0, 0);
  return tuner.measure({ work, other: stepsOf(shard), submitWhileWaiting, onProgress });
}

function stepsOf(shard: GpuShard): OtherWork {
  return {
    get count() {
      return shard.counters().steps;
    },
    async quiet() {
      for (let before = -1; shard.running > 0 || before !== this.count;) {
        before = this.count;
        await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
        if (shard.failure !== null) throw shard.failure;
      }
    },
  };
}

/**
 * Each kind of step for no rows: nothing that a later step reads is written, but a driver that
 * compiles when a pipeline first runs compiles now.
 */
async function runOnce(
  { device, step, shard, sample }: BackgroundTuning,
  layers: readonly LayerPlan[],
  head: Recorded | undefined,
): Promise<void> {
  device.queue.writeBuffer(step, 0, new Uint8Array(STEP_BYTES));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  WORKLOADS.forEach((workload, i) => {
    for (const { queryKeyValue, afterAttention } of layers) {
      for (const part of [queryKeyValue, ...afterAttention]) {
        part.record(pass, { rows: i + 1, workload });
      }
    }
  });
  if (head !== undefined) sample?.recordOnce(pass, head);
  pass.end();
  device.queue.submit([encoder.finish()]);
  await workDone(device, shard.options.submitWhileWaiting);
}
