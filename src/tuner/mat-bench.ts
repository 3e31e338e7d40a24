/** Times and checks the variants of one matrix product on random weights of a job's shape. */
import {
  type Activations,
  EPILOGUES,
  type MatPlan,
  type MatrixShape,
  type MatVariant,
  planMat,
  randomProduct,
  timeOf,
  upload,
  variantName,
  workDone,
} from "../kernels/index.ts";
import { disagreement, readBack } from "./agreement.ts";
import { MeasurementClock } from "./clock.ts";

/**
 * How far a candidate's results may be from the reference, over the results' root mean square:
 * they differ only in summing order (the reference rounds int8 activations too).
 */
const AGREEMENT = 1e-4;

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
  const time = (variant: MatVariant, runs: number, cutoffMs = Infinity) => {
    const record = (pass: GPUComputePassEncoder) => plans.get(variant)!.record(pass, tokens);
    return clock.undisturbed(() => timeOf(device, record, { runs, submitWhileWaiting, cutoffMs }));
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
      plans.set(variant, await planMat(device, use, { steps: [{ upTo: Infinity, variant }] }));
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
    async measure(variant: MatVariant, cutoffMs: number) {
      const failed = await prepare(variant);
      if (failed !== null) return failed;
      const ms = await time(variant, 2, cutoffMs);
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
