/**
 * Times and checks the kernels of one layer's attention, of a shard's shape, over a cache of random
 * keys and values.
 */
import {
  attentionKernel,
  attentionName,
  attentionOutputFloats,
  attentionReduceKernel,
  type AttentionShape,
  type AttentionUse,
  type AttentionVariant,
  bind,
  compile,
  dispatch,
  expectedHeads,
  type Kernel,
  lastRowsStep,
  maxSplits,
  packStep,
  randomAttention,
  type RandomAttention,
  SPLIT_ROWS,
  STEP_BYTES,
  type StepParams,
  timeOf,
  upload,
} from "../kernels/index.ts";
import { disagreement, readBack } from "./agreement.ts";
import type { MeasurementClock } from "./clock.ts";
import type { TrialBench } from "./trials.ts";

/**
 * How far results may be from the reference, over their root mean square: the newest key and value
 * may be rounded to f16 differently, and a kernel may flush small numbers of the cache to zero.
 * One position too many or too few is off by ten times as much.
 */
const AGREEMENT = 2e-3;

type Recording = (pass: GPUComputePassEncoder) => void;

/** Buffers as a shard has them, for one sequence; of its cache, only the segments in use. */
export function makeAttentionBench(
  device: GPUDevice,
  shape: AttentionShape,
  use: AttentionUse,
  submitWhileWaiting: boolean,
  clock: MeasurementClock,
): TrialBench<AttentionVariant> {
  const work = randomAttention(shape, use);
  const { input, table, extras } = work;
  const { headSize } = shape;
  const buffers = {
    step: upload(device, new Uint8Array(STEP_BYTES), GPUBufferUsage.UNIFORM),
    input: upload(device, input),
    table: upload(device, table),
    extras: upload(device, extras),
    out: upload(device, { output: attentionOutputFloats(shape, SPLIT_ROWS, maxSplits(shape)) }),
  };
  const segments = makeSegments(device, shape, work.positions);
  const expected = expectedHeads(shape, work);
  const all = [...Object.values(buffers), ...segments];
  const records = new Map<AttentionVariant, { params: StepParams; record: Recording }>();

  async function prepare(variant: AttentionVariant): Promise<void> {
    const params = lastRowsStep(variant, work);
    const bound = async (kernel: Kernel<StepParams>, bindings: readonly GPUBuffer[]) => {
      const compiled = await compile(device, kernel);
      const group = bind(device, compiled, bindings);
      return (pass: GPUComputePassEncoder) =>
        dispatch(pass, compiled, group, kernel.workgroups(params));
    };
    const attend = await bound(attentionKernel(shape, variant), all);
    const reduce = await bound(attentionReduceKernel(shape), [buffers.step, buffers.out]);
    const record: Recording = (pass) => {
      attend(pass);
      if (params.splits > 1) reduce(pass);
    };
    records.set(variant, { params, record });
  }

  function time(variant: AttentionVariant, runs: number, cutoffMs = Infinity) {
    const { params, record } = records.get(variant)!;
    device.queue.writeBuffer(buffers.step, 0, packStep(params));
    return clock.undisturbed(() => timeOf(device, record, { runs, submitWhileWaiting, cutoffMs }));
  }

  /** So that no result of an earlier candidate is taken for this one's. */
  function reset(): void {
    fillSegments(device, shape, segments, work);
    const nothing = new Float32Array(headSize).fill(NaN);
    for (const { at } of expected) device.queue.writeBuffer(buffers.out, at, nothing);
  }

  return {
    async measure(variant, cutoffMs) {
      const name = attentionName(variant);
      try {
        await prepare(variant);
      } catch (error) {
        // A device may lack what a variant needs; the others do the work then.
        return `${name}: ${String(error)}`;
      }
      reset();
      const ms = await time(variant, 2, cutoffMs);
      for (const { at, values } of expected) {
        const off = disagreement(await readBack(device, buffers.out, at, headSize * 4), values);
        // Written so that NaN is rejected.
        if (!(off <= AGREEMENT)) return `${name}: off by ${off}`;
      }
      return ms;
    },
    timeAgain: (variant) => time(variant, 1),
    destroy() {
      for (const buffer of all) buffer.destroy();
    },
  };
}

/** Buffers for the segments that hold the positions; the others are bound but never read. */
function makeSegments(
  device: GPUDevice,
  { segmentStarts, keyValueHeads, headSize }: AttentionShape,
  positions: number,
): GPUBuffer[] {
  return segmentStarts.slice(1).map((end, s) => {
    const start = segmentStarts[s]!;
    const bytes = start < positions ? keyValueHeads * 2 * (end - start) * headSize * 2 : 16;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    return device.createBuffer({ label: "cache to tune with", size: bytes, usage });
  });
}

/** Every head gets the same keys and values. */
function fillSegments(
  device: GPUDevice,
  { segmentStarts, keyValueHeads, headSize }: AttentionShape,
  segments: readonly GPUBuffer[],
  { positions, keys, values }: RandomAttention,
): void {
  segments.forEach((segment, s) => {
    const [start, end] = [segmentStarts[s]!, segmentStarts[s + 1]!];
    if (start >= positions) return;
    const part = [keys, values].map((plane) =>
      plane.subarray(start * headSize, Math.min(end, positions) * headSize),
    );
    for (let plane = 0; plane < keyValueHeads * 2; plane++) {
      device.queue.writeBuffer(segment, plane * (end - start) * headSize * 2, part[plane % 2]!);
    }
  });
}
