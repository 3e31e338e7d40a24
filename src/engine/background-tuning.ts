/**
 * Background work deferred by a load: measuring a shard's variants between its steps, while a first
 * guess runs, and compiling the kernels of batches. Better variants are compiled, bound and run once
 * before they replace the first guess, so that no step waits for them.
 */
import {
  type KernelVariants,
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
  const { shard, chosen } = parts;
  try {
    await tune(parts);
  } catch (error) {
    if (shard.failure !== null) return;
    const tuning = { status: "failed", detail: detailOf(error) } as const;
    shard.describe({ ...chosen.kernels, tuning });
  }
}

async function tune(parts: BackgroundTuning) {
  const { shard, chosen, context, sample } = parts;
  const measured = chosen.final ? chosen : await measure(parts);
  const next = { ...context, variants: measured.variants };
  const plan = await planChanges(parts, next);
  // Unloaded meanwhile: its buffers are gone, and using them would fail the device's other shards.
  if (shard.failure !== null) return;
  await runOnce(parts, plan);
  if (shard.failure !== null) return;
  if (plan.head !== null) sample?.adopt(plan.head);
  shard.adopt(plan.layers ?? shard.layers, measured.maxRows, measured.kernels);
}

function measure({ tuner, shard, work, chosen }: BackgroundTuning): Promise<TunedShard> {
  const { submitWhileWaiting } = shard.options;
  const onProgress = (done: number, total: number) =>
    shard.describe({ ...chosen.kernels, tuning: { status: "first_guess", done, total } });
  onProgress(0, 0);
  return tuner.measure({ work, other: stepsOf(shard), submitWhileWaiting, onProgress });
}

/** What changes, compiled and bound; null where nothing does. */
type Changes = {
  readonly layers: readonly LayerPlan[] | null;
  readonly head: Recorded | null;
};

async function planChanges(
  { shard, context, sample, planLayers }: BackgroundTuning,
  next: MatContext,
): Promise<Changes> {
  const sameMats = sameMatrices(shard, context.variants, next.variants);
  const [layers, head] = await Promise.all([
    sameMats ? null : planLayers(next),
    sameMats || sample === null ? null : sample.planHead(next),
  ]);
  return { layers, head };
}

function stepsOf(shard: GpuShard): OtherWork {
  const count = () => shard.counters().steps;
  return {
    get count() {
      return count();
    },
    async quiet() {
      for (let before = -1; shard.running > 0 || before !== count();) {
        before = count();
        await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
        if (shard.failure !== null) throw shard.failure;
      }
    },
  };
}

function sameMatrices(shard: GpuShard, a: KernelVariants, b: KernelVariants): boolean {
  const { layers, head } = shard.description;
  const tensors = [...layers.flatMap((layer) => Object.values(layer)), head];
  const formats = new Set(tensors.flatMap((tensor) => (tensor === null ? [] : [tensor.format])));
  const choices = ({ mat }: KernelVariants) =>
    [...formats].flatMap((format) =>
      WORKLOADS.flatMap((workload) =>
        [true, false].map((mayRound) => {
          const { activations, variant } = mat(format, workload, mayRound);
          return { activations, variant };
        }),
      ),
    );
  return JSON.stringify(choices(a)) === JSON.stringify(choices(b));
}

/**
 * Each kind of step for no rows: nothing that a later step reads is written, but a driver that
 * compiles when a pipeline first runs compiles now.
 */
async function runOnce(
  { device, step, shard, sample }: BackgroundTuning,
  { layers, head }: Changes,
): Promise<void> {
  if (layers === null) return;
  device.queue.writeBuffer(step, 0, new Uint8Array(STEP_BYTES));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  WORKLOADS.forEach((workload, i) => {
    for (const layer of layers) {
      layer.queryKeyValue.record(pass, { rows: i + 1, workload });
      layer.afterAttention.record(pass, { rows: i + 1, workload });
    }
  });
  if (head !== null) sample?.recordOnce(pass, head);
  pass.end();
  device.queue.submit([encoder.finish()]);
  await workDone(device, shard.options.submitWhileWaiting);
}
