/**
 * One matrix product of a job's shape, with random weights, to be timed and checked:
 * what the tuner runs its candidates on.
 */
import { rowBytes, type BlockFormat } from "../tensor/block-format.ts";
import { dequantize } from "../tensor/dequantize.ts";
import { randomBlocks } from "../tensor/random-blocks.ts";
import { EPILOGUES, planMat, type MatInput, type MatPlan } from "./mat.ts";
import { type Activations, variantName, type MatVariant } from "./mat-variant.ts";
import { matReference } from "./mat-reference.ts";
import { quantizeReference } from "./quantize-rows.ts";
import { upload } from "./runner-once.ts";
import { disagreement, readBack } from "./tune-agreement.ts";
import { timeOf, TuneClock, workDone } from "./tune-clock.ts";
import { createWeights, destroyWeights, writeRows } from "./weights.ts";

/**
 * How far a candidate's results may be from the reference, over the results' root mean square:
 * they differ only in summing order (the reference rounds int8 activations too).
 */
const AGREEMENT = 1e-4;

/** Rows of weights that are made and checked; the matrix repeats them. */
const CHECKED_ROWS = 64;

export type MatJob = {
  readonly format: BlockFormat;
  readonly activations: Activations;
  readonly rows: number;
  readonly columns: number;
};

export type MatBench = Awaited<ReturnType<typeof makeBench>>;

/** A matrix of the job's shape with random weights, and what its first rows should give. */
export async function makeBench(
  device: GPUDevice,
  job: MatJob,
  tokens: number,
  nudge: boolean,
  clock = new TuneClock(),
) {
  const { format, activations, rows, columns } = job;
  const checked = Math.min(CHECKED_ROWS, rows);
  const bytes = randomBlocks(format, checked * columns, Math.random);
  const weights = createWeights(device, format, rows, columns);
  for (let row = 0; row < rows; row += checked) {
    const count = Math.min(checked, rows - row);
    writeRows(device, weights, row, [bytes.subarray(0, count * rowBytes(format, columns))]);
  }
  const x = Float32Array.from({ length: tokens * columns }, () => Math.random() * 2 - 1);
  const { input, values, buffers } = makeInput(device, activations, x);
  const lastToken = values.subarray((tokens - 1) * columns);
  const shape = { rows: checked, columns, tokens: 1 };
  const expected = matReference(dequantize(format, bytes), lastToken, shape);
  const step = upload(device, new Uint32Array([tokens, 0, 0, 0]), GPUBufferUsage.UNIFORM);
  const out = upload(device, { output: tokens * rows });
  await workDone(device, true);
  const plans = new Map<MatVariant, MatPlan>();
  const time = (variant: MatVariant, runs: number, hopelessMs = Infinity, count = tokens) =>
    clock.undisturbed(() =>
      timeOf(device, (pass) => plans.get(variant)!.record(pass, count), {
        runs,
        nudge,
        hopelessMs,
      }),
    );
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
    /** Milliseconds of a product of some of the tokens, once more; after `prepare`. */
    timeAgain: (variant: MatVariant, count = tokens) => time(variant, 1, Infinity, count),
    prepare,
    /** Milliseconds of a product, or why the variant cannot be used. */
    async measure(variant: MatVariant, hopelessMs: number) {
      const failed = await prepare(variant);
      if (failed !== null) return failed;
      const ms = await time(variant, 2, hopelessMs);
      const results = await readBack(device, out, (tokens - 1) * rows * 4, checked * 4);
      const off = disagreement(results, expected);
      // Written so that NaN is refused.
      if (!(off <= AGREEMENT)) return `${variantName(variant)}: off by ${off}`;
      return ms;
    },
    destroy() {
      destroyWeights(weights);
      for (const buffer of [...buffers, step, out]) buffer.destroy();
    },
  };
}

function makeInput(device: GPUDevice, activations: Activations, x: Float32Array<ArrayBuffer>) {
  if (activations === "float") {
    const buffer = upload(device, x);
    const input: MatInput = { kind: "float", x: buffer };
    return { input, values: x, buffers: [buffer] };
  }
  const { quants, scales } = quantizeReference(x);
  const quantBuffer = upload(device, new Uint8Array(quants.buffer));
  const scaleBuffer = upload(device, Float32Array.from(scales));
  const input: MatInput = { kind: "int8", x: quantBuffer, scales: scaleBuffer };
  const values = x.map((_, i) => quants[i]! * scales[(i >> 5) * 2]!);
  return { input, values, buffers: [quantBuffer, scaleBuffer] };
}
