/** Runs a matrix product of random weights on the GPU, and beside it the reference. */
import { dequantize, type BlockFormat, randomBlocks } from "../../src/tensor/index.ts";
import {
  type Activations,
  createWeights,
  EPILOGUES,
  KernelError,
  matCandidates,
  type MatChoice,
  type MatEpilogue,
  type MatInput,
  type MatShape,
  type MatVariant,
  planMat,
  shaderFeatures,
  type ShaderFeatures,
  type Tile,
  tileBytes,
  tileThreads,
  upload,
  variantName,
  type Weights,
  type Workload,
  writeRows,
} from "../../src/kernels/index.ts";
import { randomSource } from "./random.ts";

export function randomWeights(
  device: GPUDevice,
  format: BlockFormat,
  { rows, columns }: MatShape,
  partRows = Infinity,
): { weights: Weights; plain: Float32Array } {
  const bytes = randomBlocks(format, rows * columns, randomSource(rows * columns));
  const weights = createWeights(device, format, rows, columns, partRows);
  writeRows(device, weights, 0, [bytes]);
  return { weights, plain: dequantize(format, bytes) };
}

/**
 * The candidates for the workloads, of software adapters and of GPUs; of the latter also those of
 * devices without subgroups, subgroups that are larger than the smallest, and those of few rows.
 */
export function candidatesOf(
  device: GPUDevice,
  workloads: readonly Workload[],
  activations: Activations,
): MatVariant[] {
  const features = shaderFeatures(device);
  const all = workloads.flatMap((workload) => {
    const gpu = matCandidates(workload, activations, features, false);
    return [
      ...matCandidates(workload, activations, features, true, "Q4_1"),
      ...gpu,
      ...matCandidates(workload, activations, { ...features, subgroups: false }, false),
      ...gpu.flatMap((one) =>
        one.kind === "subgroups"
          ? [
              { ...one, workgroup: 32, lanes: 1 },
              { ...one, rows: 2 },
            ]
          : [],
      ),
      ...gpu.flatMap((one) => (one.kind === "tile" ? slicesOf(one, activations, features) : [])),
    ];
  });
  return [...new Map(all.map((variant) => [variantName(variant), variant])).values()];
}

/** A tile whose columns are divided, as far as the device allows. */
function slicesOf(tile: Tile, activations: Activations, features: ShaderFeatures): Tile[] {
  const threads = tileThreads(tile.size);
  const bytes = tileBytes(tile, activations);
  return [2, 4]
    .filter((slices) => slices * threads <= features.maxInvocations)
    .filter((slices) => slices * bytes <= features.workgroupBytes)
    .map((slices) => ({ ...tile, slices }));
}

export const only = (variant: MatVariant): MatChoice => [{ upTo: Infinity, variant }];

/** One variant for a token, for four, and for more. */
export const byTokens = (one: MatVariant, few: MatVariant, many: MatVariant): MatChoice => [
  { upTo: 1, variant: one },
  { upTo: 4, variant: few },
  { upTo: Infinity, variant: many },
];

export type MatRun = {
  readonly weights: Weights;
  readonly input: MatInput;
  readonly tokens: number;
  readonly variant: MatVariant;
  readonly epilogue?: MatEpilogue;
  /** Starts as this; NaN in `outputs` elements otherwise. */
  readonly out: Float32Array;
  readonly outputStride: number;
  readonly outputRow?: number;
  readonly extra?: readonly GPUBuffer[];
};

/** One recorded step; returns the output buffer's contents. Throws the device's error. */
export async function runMat(device: GPUDevice, run: MatRun): Promise<Float32Array> {
  const { weights, input, tokens, variant, epilogue = EPILOGUES.store, outputStride } = run;
  device.pushErrorScope("validation");
  const out = upload(device, run.out);
  const step = upload(device, new Uint32Array([tokens]), GPUBufferUsage.UNIFORM);
  const plan = await planMat(
    device,
    {
      weights,
      step,
      x: input,
      epilogue,
      epilogueBuffers: [out, ...(run.extra ?? [])],
      outputStride,
      ...(run.outputRow === undefined ? {} : { outputRow: run.outputRow }),
    },
    only(variant),
  );
  const result = await record(device, out, (pass) => plan.record(pass, tokens));
  const error = await device.popErrorScope();
  if (error !== null) throw new KernelError(error.message);
  return result.subarray(0, run.out.length);
}

/** Records one pass, submits it, and reads `out` back. */
export async function record(
  device: GPUDevice,
  out: GPUBuffer,
  encode: (pass: GPUComputePassEncoder) => void,
): Promise<Float32Array> {
  const staging = device.createBuffer({
    size: out.size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  encode(pass);
  pass.end();
  encoder.copyBufferToBuffer(out, 0, staging, 0, out.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  return new Float32Array(staging.getMappedRange().slice(0));
}
