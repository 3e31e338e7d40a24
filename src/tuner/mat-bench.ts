/** Times and checks the variants of one matrix product on random weights of a job's shape. */
import {
  type Activations,
  EPILOGUES,
  type MatPlan,
  type MatrixShape,
  type MatVariant,
  planMat,
  type MatInput,
  matReference,
  quantizeReference,
  createWeights,
  destroyWeights,
  writeRows,
  timeOf,
  upload,
  variantName,
  workDone,
} from "../kernels/index.ts";
import { dequantize, randomBlocks, rowBytes } from "../tensor/index.ts";
import { MeasurementClock } from "./clock.ts";

/**
 * How far a candidate's results may be from the reference, over the results' root mean square:
 * they differ only in summing order (the reference rounds int8 activations too).
 */
const AGREEMENT = 1e-4;

/** Rows of weights that are made and checked; the matrix repeats them. */
const CHECKED_ROWS = 64;
/** Tokens whose activations are made; multiples of them repeat them. */
const MADE_TOKENS = 64;

export type MatJob = MatrixShape & { readonly activations: Activations };

export async function makeMatBench(
  device: GPUDevice,
  job: MatJob,
  tokens: number,
  submitWhileWaiting: boolean,
  clock = new MeasurementClock(),
) {
  const { rows, columns } = job;
  const product = randomProduct(device, job, job.activations, tokens);
  const { weights, input, expected } = product;
  const step = upload(device, new Uint32Array([tokens, 0, 0, 0]), GPUBufferUsage.UNIFORM);
  const out = upload(device, { output: tokens * rows });
  await workDone(device, true);
  const plans = new Map<MatVariant, MatPlan>();
  const time = (variant: MatVariant, runs: number) => {
    const record = (pass: GPUComputePassEncoder) => plans.get(variant)!.record(pass, tokens);
    return clock.undisturbed(() => timeOf(device, record, { runs, submitWhileWaiting }));
  };
  /** Compiles it; why it cannot be used, or null. */
  async function prepare(variant: MatVariant): Promise<string | null> {
    const use = {
      weights,
      step,
      x: input,
      epilogue: EPILOGUES.store,
      epilogueBuffers: [out],
      outputStride: rows,
    };
    try {
      plans.set(variant, await planMat(device, use, [{ upTo: Infinity, variant }]));
      return null;
    } catch (error) {
      // A device may lack what a variant needs; the others do the work then.
      return `${variantName(variant)}: ${String(error)}`;
    }
  }
  return {
    macs: rows * columns * tokens,
    weightBytes: weights.bytes,
    /** Milliseconds of a product, once more; after `prepare`. */
    timeAgain: (variant: MatVariant) => time(variant, 1),
    prepare,
    /** Milliseconds of a product, or why the variant cannot be used. */
    async measure(variant: MatVariant) {
      const failed = await prepare(variant);
      if (failed !== null) return failed;
      const ms = await time(variant, 2);
      const at = (tokens - 1) * rows * 4;
      const off = disagreement(await readBack(device, out, at, expected.length * 4), expected);
      // Written so that NaN is rejected.
      if (!(off <= AGREEMENT)) return `${variantName(variant)}: off by ${off}`;
      return ms;
    },
    destroy() {
      product.destroy();
      for (const buffer of [step, out]) buffer.destroy();
    },
  };
}

/** Random weights and activations in GPU memory, and what the first rows must give for the last token. */
function randomProduct(
  device: GPUDevice,
  { format, rows, columns }: MatrixShape,
  activations: Activations,
  tokens: number,
) {
  const checked = Math.min(CHECKED_ROWS, rows);
  const bytes = randomBlocks(format, checked * columns, Math.random);
  const weights = createWeights(device, format, rows, columns);
  for (let row = 0; row < rows; row += checked) {
    const count = Math.min(checked, rows - row);
    writeRows(device, weights, row, [bytes.subarray(0, count * rowBytes(format, columns))]);
  }
  const made = Math.min(MADE_TOKENS, tokens);
  const x = Float32Array.from({ length: made * columns }, () => Math.random() * 2 - 1);
  const { input, values, buffers } = makeInput(device, activations, x, Math.ceil(tokens / made));
  const last = (tokens - 1) % made;
  const lastToken = values.subarray(last * columns, (last + 1) * columns);
  const shape = { rows: checked, columns, tokens: 1 };
  return {
    weights,
    input,
    expected: matReference(dequantize(format, bytes), lastToken, shape),
    destroy() {
      destroyWeights(weights);
      for (const buffer of buffers) buffer.destroy();
    },
  };
}

/** The activations in GPU memory, so many times, and their values after any rounding. */
function makeInput(
  device: GPUDevice,
  activations: Activations,
  x: Float32Array<ArrayBuffer>,
  times: number,
) {
  const repeated = (values: Float32Array<ArrayBuffer> | Int8Array<ArrayBuffer>) => {
    const { STORAGE, COPY_DST } = GPUBufferUsage;
    const size = values.byteLength * times;
    const buffer = device.createBuffer({ size, usage: STORAGE | COPY_DST });
    for (let at = 0; at < size; at += values.byteLength)
      device.queue.writeBuffer(buffer, at, values);
    return buffer;
  };
  if (activations === "float") {
    const buffer = repeated(x);
    const input: MatInput = { kind: "float", x: buffer };
    return { input, values: x, buffers: [buffer] };
  }
  const { quants, scales } = quantizeReference(x);
  const buffers = [repeated(quants), repeated(Float32Array.from(scales))] as const;
  const input: MatInput = { kind: "int8", x: buffers[0], scales: buffers[1] };
  const values = x.map((_, i) => quants[i]! * scales[(i >> 5) * 2]!);
  return { input, values, buffers };
}

/** The largest difference over the root mean square of the expected values; NaN if a result is NaN. */
function disagreement(
  actual: Float32Array,
  expected: Float32Array | Float64Array<ArrayBufferLike>,
): number {
  let squares = 0;
  for (const value of expected) squares += value * value;
  const scale = Math.sqrt(squares / expected.length);
  let worst = 0;
  for (const [i, value] of expected.entries()) {
    const off = Math.abs(actual[i]! - value) / scale;
    if (!(off <= worst)) worst = off;
  }
  return worst;
}

/** `size` bytes of a buffer from byte `at`, as f32. */
export async function readBack(device: GPUDevice, source: GPUBuffer, at: number, size: number) {
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  const staging = device.createBuffer({ size, usage });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(source, at, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  const mapped = staging.mapAsync(GPUMapMode.READ);
  await workDone(device, true);
  await mapped;
  const results = new Float32Array(staging.getMappedRange().slice(0));
  staging.destroy();
  return results;
}
