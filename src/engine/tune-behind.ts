/**
 * What a load puts off: measuring a shard's variants, between its steps, while a first guess
 * runs; and the kernels of batches. What is better then takes over: compiled, bound and run once
 * before, so that no step waits for it.
 */
import { STEP_BYTES } from "../kernels/step-uniform.ts";
import { TuneClock, workDone, type OtherWork } from "../kernels/tune-clock.ts";
import type { AttentionKernels, AttentionPlan } from "./attention-plan.ts";
import { measureVariants, type ChosenVariants } from "./choose-variants.ts";
import type { GpuShard } from "./gpu-shard.ts";
import type { LayerPlan, MatContext, Recorded } from "./layer-plan.ts";
import type { SamplePlan } from "./sample-plan.ts";
import type { EngineVariants } from "./variants.ts";

export type TuneBehind = {
  readonly device: GPUDevice;
  readonly shard: GpuShard;
  readonly chosen: ChosenVariants;
  /** What the shard runs until then. */
  readonly context: MatContext;
  readonly step: GPUBuffer;
  readonly attention: AttentionPlan;
  readonly sample: SamplePlan | null;
  readonly planLayers: (context: MatContext) => Promise<readonly LayerPlan[]>;
};

/** Between the steps of an answer there is less; between answers more. */
const QUIET_MS = 30;

/** Never rejects: what fails here is told among the variants, and the first guess goes on. */
export async function tuneBehind(parts: TuneBehind): Promise<void> {
  const { shard, chosen } = parts;
  try {
    await tune(parts);
  } catch (error) {
    if (shard.failure !== null) return;
    shard.describe([...chosen.lines, `the first guess stays: ${String(error)}`]);
  }
}

async function tune(parts: TuneBehind) {
  const { shard, chosen, context, attention, sample } = parts;
  const measured = chosen.final ? chosen : await measure(parts);
  const next = { ...context, variants: measured.variants };
  const plan = await planChanges(parts, next);
  // Unloaded meanwhile: its buffers are gone, and the device's other shards would be told of it.
  if (shard.failure !== null) return;
  await runOnce(parts, plan);
  if (shard.failure !== null) return;
  if (plan.head !== null) sample?.adopt(plan.head);
  if (plan.kernels !== null) attention.adopt(plan.kernels);
  shard.adopt(plan.layers ?? shard.layers, measured.maxRows, measured.lines);
}

function measure({ device, shard, chosen }: TuneBehind): Promise<ChosenVariants> {
  const { description, options } = shard;
  const clock = new TuneClock(stepsOf(shard));
  return measureVariants(device, description, options, clock, (done, total) =>
    shard.describe([
      ...chosen.lines,
      `a first guess runs; measured ${done} of ${total} kinds of work`,
    ]),
  );
}

/** What changes, compiled and bound; null is what stays. */
type Changes = {
  readonly layers: readonly LayerPlan[] | null;
  readonly head: Recorded | null;
  readonly kernels: AttentionKernels | null;
};

async function planChanges(
  { shard, context, attention, sample, planLayers }: TuneBehind,
  next: MatContext,
): Promise<Changes> {
  const sameMats = sameMatrices(shard, context.variants, next.variants);
  const [layers, head, kernels] = await Promise.all([
    sameMats ? null : planLayers(next),
    sameMats || sample === null ? null : sample.planHead(next),
    sameAttention(context.variants, next.variants) ? null : attention.compile(next.variants),
  ]);
  return { layers, head, kernels };
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

const WORKLOADS = ["decode", "batch", "prefill"] as const;

function sameMatrices(shard: GpuShard, a: EngineVariants, b: EngineVariants): boolean {
  const { layers, head } = shard.description;
  const tensors = [...layers.flatMap((layer) => Object.values(layer)), head];
  const formats = new Set(tensors.flatMap((tensor) => (tensor === null ? [] : [tensor.format])));
  const choices = ({ mat }: EngineVariants) =>
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

function sameAttention(a: EngineVariants, b: EngineVariants): boolean {
  const kernels = ({ decodeAttention, prefillAttention }: EngineVariants) =>
    JSON.stringify([decodeAttention, prefillAttention]);
  return kernels(a) === kernels(b);
}

/**
 * Each kind of step for no rows: nothing that a later step reads is written, but a driver that
 * compiles when a pipeline first runs does it now.
 */
async function runOnce(
  { device, step, shard, attention, sample }: TuneBehind,
  { layers, head, kernels }: Changes,
): Promise<void> {
  if (layers === null && kernels === null) return;
  device.queue.writeBuffer(step, 0, new Uint8Array(STEP_BYTES));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  WORKLOADS.forEach((workload, i) => {
    for (const layer of layers ?? []) {
      layer.queryKeyValue.record(pass, { rows: i + 1, workload });
      layer.rest.record(pass, { rows: i + 1, workload });
    }
  });
  if (kernels !== null) attention.recordOnce(pass, kernels);
  if (head !== null) sample?.recordOnce(pass, head);
  pass.end();
  device.queue.submit([encoder.finish()]);
  await workDone(device, shard.options.nudge);
}
