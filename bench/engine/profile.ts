/**
 * Where a step's time goes: one step is recorded as it passes the WebGPU calls, then
 * its dispatches are replayed, kernel by kernel, each kernel in a submit of its own.
 *
 * Timestamps of a step's own dispatches would need a pass for each, which changes what is
 * measured. A replay has one pass, so its timestamps, where the adapter has them, count the
 * GPU's work without the time that the browser takes to encode it. All layers' dispatches are
 * in it, with their own weights, so that caches behave as in a step. The results are
 * meaningless (residuals are added repeatedly).
 */
import type { Shard, StepRow } from "../../src/engine/index.ts";
import { timeOf, timeRepeats } from "../../src/kernels/index.ts";
import type { KernelProfile, ProfileReply } from "./requests.ts";

type Dispatch = {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly grid: readonly [x: number, y: number, z: number];
};

const STEPS = 5;

export async function profileStep(
  device: GPUDevice,
  shard: Shard,
  rows: () => StepRow[],
  context: number,
  submitWhileWaiting: boolean,
): Promise<ProfileReply> {
  const times: number[] = [];
  let dispatches: Dispatch[] = [];
  for (let i = 0; i < STEPS; i++) {
    const start = performance.now();
    dispatches = await recorded(() => shard.step(rows(), null));
    times.push(performance.now() - start);
  }
  const timestamps = device.features.has("timestamp-query");
  const time = timestamps ? gpuTimer(device) : wallTimer(device, submitWhileWaiting);
  const kernels: KernelProfile[] = [];
  const { length } = rows();
  for (const [name, part] of grouped(dispatches)) {
    kernels.push({
      name,
      dispatches: part.length,
      workgroups: part[0]!.grid.reduce((a, b) => a * b),
      ms: await time(part),
      ...work(name, shard, length, context),
    });
  }
  const replayMs = await time(dispatches);
  kernels.sort((a, b) => b.ms - a.ms);
  return { rows: length, context, stepMs: Math.min(...times), timestamps, replayMs, kernels };
}

/** Milliseconds of a replay, from the submit to the notice that it is done. */
const wallTimer = (device: GPUDevice, submitWhileWaiting: boolean) => (part: readonly Dispatch[]) =>
  timeOf(device, (pass) => part.forEach((one) => replay(pass, one)), { submitWhileWaiting });

/** Milliseconds of a replay between the GPU's timestamps. */
function gpuTimer(device: GPUDevice) {
  const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const querySet = device.createQuerySet({ type: "timestamp", count: 2 });
  const size = 2 * BigUint64Array.BYTES_PER_ELEMENT;
  const resolved = device.createBuffer({ size, usage: QUERY_RESOLVE | COPY_SRC });
  const staging = device.createBuffer({ size, usage: COPY_DST | MAP_READ });
  const timestampWrites = { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
  const run = async (part: readonly Dispatch[], repeats: number): Promise<number> => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass({ timestampWrites });
    for (let i = 0; i < repeats; i++) part.forEach((one) => replay(pass, one));
    pass.end();
    encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const [start, end] = new BigUint64Array(staging.getMappedRange());
    staging.unmap();
    // Drivers may reset the counter between the two.
    return end! > start! ? Number(end! - start!) / 1e6 : run(part, repeats);
  };
  return (part: readonly Dispatch[]) => timeRepeats({ run: (repeats) => run(part, repeats) });
}

function replay(pass: GPUComputePassEncoder, { pipeline, group, grid }: Dispatch): void {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(...grid);
}

/** The dispatches that `run` records, in order. */
async function recorded(run: () => Promise<unknown>): Promise<Dispatch[]> {
  const dispatches: Dispatch[] = [];
  const prototype = GPUComputePassEncoder.prototype;
  // oxlint-disable-next-line typescript/unbound-method -- called with the pass as `this` below
  const { setPipeline, setBindGroup, dispatchWorkgroups } = prototype;
  let pipeline: GPUComputePipeline;
  let group: GPUBindGroup;
  prototype.setPipeline = function (next) {
    pipeline = next;
    setPipeline.call(this, next);
  };
  prototype.setBindGroup = function (this: GPUComputePassEncoder, index: number, next) {
    group = next as GPUBindGroup;
    Reflect.apply(setBindGroup, this, [index, next]);
  } as typeof setBindGroup;
  prototype.dispatchWorkgroups = function (x, y = 1, z = 1) {
    dispatches.push({ pipeline, group, grid: [x, y, z] });
    dispatchWorkgroups.call(this, x, y, z);
  };
  try {
    await run();
  } finally {
    Object.assign(prototype, { setPipeline, setBindGroup, dispatchWorkgroups });
  }
  return dispatches;
}

/**
 * By role and kernel. Within a layer the products with a residual are the attention's
 * output first and down second; both run the same pipeline. The head comes after the last of them.
 */
function grouped(dispatches: readonly Dispatch[]) {
  const groups = new Map<string, Dispatch[]>();
  let adds = 0;
  const lastInLayers = dispatches.findLastIndex(({ pipeline }) => pipeline.label.includes(" add:"));
  for (const [index, one] of dispatches.entries()) {
    const { label } = one.pipeline;
    const isHead = index > lastInLayers;
    let role = "";
    if (label.startsWith("mat ")) {
      if (label.includes(" add:")) role = adds++ % 2 === 0 ? "output" : "down";
      else if (/swiglu|multiply-silu/.test(label)) role = "gate, up";
      else role = isHead ? "head" : "q, k, v";
    }
    const name = role === "" ? label : `${role} · ${label}`;
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return groups;
}

/** The minimum work of a kernel in the whole step. */
function work(name: string, { description }: Shard, rows: number, context: number) {
  const { model, layers, head } = description;
  const { heads, keyValueHeads, headSize } = model;
  const of = (tensors: readonly { rows: number; columns: number; lengthBytes: number }[]) => ({
    macs: rows * tensors.reduce((sum, tensor) => sum + tensor.rows * tensor.columns, 0),
    bytes: tensors.reduce((sum, tensor) => sum + tensor.lengthBytes, 0),
  });
  const role = name.split(" · ")[0];
  switch (role) {
    case "q, k, v":
      return of(layers.flatMap(({ query, key, value }) => [query, key, value]));
    case "output":
      return of(layers.map(({ attentionOutput }) => attentionOutput));
    case "gate, up":
      return of(layers.flatMap(({ gate, up }) => [gate, up]));
    case "down":
      return of(layers.map(({ down }) => down));
    case "head": // one sampled row
      return { macs: head!.rows * head!.columns, bytes: head!.lengthBytes };
  }
  if (name.startsWith("attention_") && !name.includes("reduce")) {
    const seen = context - (rows - 1) / 2; // the average row of a chunk
    return {
      macs: layers.length * rows * heads * headSize * 2 * seen,
      bytes: layers.length * keyValueHeads * headSize * 2 * 2 * context,
    };
  }
  return { macs: null, bytes: null };
}
