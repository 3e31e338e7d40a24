/**
 * The matrix products of one layer, planned once, and the norms and quantizations before them.
 *
 * On a GPU a norm is a dispatch of its own, since every workgroup of a product would repeat it. One
 * dispatch norms and quantizes for the int8 products of q, k, v and of gate and up:
 *
 *   decode    norm, qkv, attention, output + residual, norm, gate-up-SwiGLU, down + residual
 *             7 dispatches, and an 8th that joins the parts of a long context
 *   prefill   the same, and the rotation
 *
 * On a software adapter a dispatch costs more than a repeated norm. Float products fold it in; at
 * decode only gate and up may use int8, for one more dispatch: 5 to 7 in total.
 *
 * Output and down use floats at decode: rounding their inputs would take a dispatch each.
 */
import {
  acceptsInt8,
  EPILOGUES,
  forShape,
  type KernelVariants,
  type MatEpilogue,
  type MatInput,
  type MatNorm,
  type MatUse,
  planMat,
  quantizeKernel,
  rmsNormKernel,
  shaderFeatures,
  type Weights,
  type Workload,
  WORKLOADS,
} from "../kernels/index.ts";
import type { ModelDescription } from "../model/index.ts";
import type { GpuResources } from "./gpu-resources.ts";
import type { LayerWeights } from "./layer-weights.ts";

/** Activations of a step, shared by all layers. */
export type LayerBuffers = {
  readonly step: GPUBuffer;
  readonly x: GPUBuffer; // [rows, hidden] the residual stream
  readonly normed: GPUBuffer; // the same, after a norm that is not folded
  readonly queryKeyValue: GPUBuffer;
  readonly query: GPUBuffer; // [rows, heads * headSize] rotated, in a prompt
  readonly attention: GPUBuffer; // the same, and the partial results behind it
  readonly gated: GPUBuffer; // [rows, feedForward]
  readonly gate: GPUBuffer; // the same; only for gate and up of two formats
  readonly quants: GPUBuffer; // [rows, the widest input] int8
  readonly scales: GPUBuffer; // [rows, the widest input / 32] vec2<f32>
};

type InputBuffers = Pick<LayerBuffers, "step" | "normed" | "quants" | "scales">;

/** What a step requires of every product. */
export type StepWork = { readonly rows: number; readonly workload: Workload };

/** One or more dispatches that are always recorded together. */
export type Recorded = { record(pass: GPUComputePassEncoder, work: StepWork): void };

/** Which steps may round the input of a product to int8. */
type Rounding = { readonly decode: boolean; readonly prefill: boolean };

/** From this many rows, a batch runs the variants of prefill. */
const MIN_PREFILL_ROWS = 9;

export type LayerPlan = Awaited<ReturnType<typeof planLayer>>;

export type MatContext = {
  readonly resources: GpuResources;
  readonly variants: KernelVariants;
  readonly activations: "float" | "int8";
};

export async function planLayer(
  context: MatContext,
  model: ModelDescription,
  weights: LayerWeights,
  buffers: LayerBuffers,
) {
  const { x, queryKeyValue, attention, gated, gate } = buffers;
  const { hidden, feedForward, normEpsilon: epsilon } = model;
  const columns = (model.heads + 2 * model.keyValueHeads) * model.headSize;
  const target = (
    matrix: Weights,
    epilogue: MatEpilogue,
    outputStride: number,
    ...epilogueBuffers: GPUBuffer[]
  ) => ({ weights: matrix, epilogue, epilogueBuffers, outputStride });
  const [gateOrBoth, up] = weights.gateUp;
  const { store, add, swiglu, multiplySilu } = EPILOGUES;
  const stage = (input: StageInput, rounding: Rounding, targets: readonly Target[]) =>
    planStage(context, buffers, input, rounding, targets);
  const [first, output, gates, down] = await Promise.all([
    stage(
      { x, norm: { weight: weights.attentionNorm, epsilon } },
      { decode: context.variants.norms === "separate", prefill: true },
      weights.queryKeyValue.map(({ weights: matrix, outputRow }) => ({
        ...target(matrix, store, columns, queryKeyValue),
        outputRow,
      })),
    ),
    stage({ x: attention, norm: null }, ONLY_PREFILL, [
      target(weights.attentionOutput, add, hidden, x),
    ]),
    stage(
      { x, norm: { weight: weights.feedForwardNorm, epsilon } },
      { decode: true, prefill: true },
      up === undefined
        ? [target(gateOrBoth, swiglu, feedForward, gated)]
        : [
            target(gateOrBoth, store, feedForward, gate),
            target(up, multiplySilu, feedForward, gated, gate),
          ],
    ),
    stage({ x: gated, norm: null }, ONLY_PREFILL, [target(weights.down, add, hidden, x)]),
  ]);
  return { queryKeyValue: first, afterAttention: [output, gates, down] };
}

const ONLY_PREFILL: Rounding = { decode: false, prefill: true };

type Target = Omit<MatUse, "step" | "x">;
type StageInput = { readonly x: GPUBuffer; readonly norm: MatNorm | null };

/** Products of one input, and what makes the input that they need in a step: normed, or in int8. */
export async function planStage(
  context: MatContext,
  buffers: InputBuffers,
  input: StageInput,
  rounding: Rounding,
  targets: readonly Target[],
  maxRows = Infinity,
): Promise<Recorded> {
  const { step, normed, quants, scales } = buffers;
  const { x, norm } = input;
  const { columns } = targets[0]!.weights;
  const separate = context.variants.norms === "separate" ? norm : null;
  const float: MatInput = {
    kind: "float",
    x: separate === null ? x : normed,
    ...(norm === null || separate !== null ? {} : { norm }),
  };
  const inputs = { float, int8: { kind: "int8", x: quants, scales } } as const;
  const [products, norms] = await Promise.all([
    Promise.all(
      targets.map((target) => planProduct(context, { ...target, step }, inputs, rounding, maxRows)),
    ),
    separate && planNorm(context, buffers, x, columns, separate),
  ]);
  const quantize = products.some(({ canRound }) => canRound)
    ? await planQuantize(context, buffers, input, columns)
    : null;
  return {
    record(pass, work) {
      const rounds = products.map((product) => product.rounds(work));
      if (rounds.includes(true)) quantize!.record(pass, work);
      if (rounds.includes(false)) norms?.record(pass, work);
      for (const product of products) product.record(pass, work);
    },
  };
}

async function planNorm(
  { resources }: MatContext,
  { step, normed }: InputBuffers,
  x: GPUBuffer,
  columns: number,
  { weight, epsilon }: MatNorm,
): Promise<Recorded> {
  const kernel = rmsNormKernel({ columns, epsilon, of: "rows" }, shaderFeatures(resources.device));
  const bind = await resources.compile<StepWork>({
    ...kernel,
    workgroups: ({ rows }) => [rows, 1, 1],
  });
  return bind([step, x, weight, normed]);
}

async function planQuantize(
  { resources }: MatContext,
  { quants, scales }: InputBuffers,
  { x, norm }: StageInput,
  columns: number,
): Promise<Recorded> {
  const shape = { columns, epsilon: norm?.epsilon ?? null };
  const kernel = quantizeKernel(shape, shaderFeatures(resources.device));
  const bind = await resources.compile<StepWork>(kernel);
  return bind([x, ...(norm === null ? [] : [norm.weight]), quants, scales]);
}

/** A matrix product with the shard's variants; its dispatches and bytes are counted. */
async function planProduct(
  { resources, variants, activations }: MatContext,
  use: Omit<MatUse, "x">,
  inputs: Readonly<Record<"float" | "int8", MatInput>>,
  rounding: Rounding,
  maxRows: number,
) {
  const { format, parts } = use.weights;
  const { counters, device } = resources;
  const features = shaderFeatures(device);
  const allowed = activations === "int8" && acceptsInt8(format);
  // Variants of steps that are larger than all of a shard's are not compiled.
  const workloads = WORKLOADS.filter((one) => one !== "prefill" || maxRows >= MIN_PREFILL_ROWS);
  const planned = new Map(
    await Promise.all(
      workloads.map(async (workload) => {
        const mayRound = allowed && rounding[workload === "prefill" ? "prefill" : "decode"];
        const { activations: kind, variant } = variants.mat(format, workload, mayRound);
        const choice = forShape(variant, use.weights, kind, features);
        counters.bindGroupsCreated += parts.length;
        counters.buffersCreated += parts.length;
        const product = { ...use, x: inputs[kind] };
        const plan = await planMat(device, product, choice, resources.requireBuffers);
        return [workload, { plan, rounds: kind === "int8" }] as const;
      }),
    ),
  );
  const prefill = planned.get("prefill");
  const anyRows = prefill?.rounds === false || (allowed && rounding.decode);
  const pick = ({ rows, workload }: StepWork) =>
    prefill !== undefined && workload === "batch" && rows >= MIN_PREFILL_ROWS && anyRows
      ? prefill
      : planned.get(workload)!;
  return {
    canRound: [...planned.values()].some(({ rounds }) => rounds),
    rounds: (work: StepWork) => pick(work).rounds,
    record(pass: GPUComputePassEncoder, work: StepWork) {
      const { plan } = pick(work);
      counters.dispatches += plan.record(pass, work.rows);
      counters.weightBytesRead += plan.weightBytes;
    },
  };
}
