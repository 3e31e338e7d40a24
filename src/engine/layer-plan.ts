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
 *
 * Over 250 lines: one layer, dispatch by dispatch.
 */
import {
  acceptsInt8,
  type Activations,
  bind,
  dispatch,
  EPILOGUES,
  forShape,
  type KernelVariants,
  type MatEpilogue,
  type MatInput,
  type MatNorm,
  type MatPlan,
  type MatUse,
  planMat,
  planQuantize,
  rmsNormKernel,
  shaderFeatures,
  type Weights,
  type Workload,
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
  readonly attention: GPUBuffer; // [rows, heads * headSize]
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

/** A product, and whether it needs its input in int8. */
type Product = Recorded & { rounds(work: StepWork): boolean };

/** Which steps may round the input of a product to int8. */
type Rounding = { readonly decode: boolean; readonly prefill: boolean };

/** From this many rows, a batch runs the variants of prefill. */
const MIN_PREFILL_ROWS = 9;

export type LayerPlan = {
  readonly queryKeyValue: Recorded;
  /** Everything after the attention. */
  readonly afterAttention: Recorded;
};

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
): Promise<LayerPlan> {
  const { x, queryKeyValue, attention, gated, gate } = buffers;
  const { hidden, feedForward, normEpsilon: epsilon } = model;
  const columns = (model.heads + 2 * model.keyValueHeads) * model.headSize;
  const into = (out: GPUBuffer, outputStride: number, epilogue: MatEpilogue): Target => ({
    epilogue,
    epilogueBuffers: [out],
    outputStride,
  });
  const [gateOrBoth, up] = weights.gateUp;
  const projection = { decode: context.variants.norms === "separate", prefill: true };
  const onlyPrefill = { decode: false, prefill: true };
  const attentionNorm = { weight: weights.attentionNorm, epsilon };
  const feedForwardNorm = { weight: weights.feedForwardNorm, epsilon };
  const [first, output, gates, down] = await Promise.all([
    planStage(context, buffers, { x, norm: attentionNorm }, projection, [
      ...weights.queryKeyValue.map(({ weights: matrix, outputRow }) => ({
        ...into(queryKeyValue, columns, EPILOGUES.store),
        weights: matrix,
        outputRow,
      })),
    ]),
    planStage(context, buffers, { x: attention, norm: null }, onlyPrefill, [
      { ...into(x, hidden, EPILOGUES.add), weights: weights.attentionOutput },
    ]),
    planStage(
      context,
      buffers,
      { x, norm: feedForwardNorm },
      { decode: true, prefill: true },
      up === undefined
        ? [{ ...into(gated, feedForward, EPILOGUES.swiglu), weights: gateOrBoth }]
        : [
            { ...into(gate, feedForward, EPILOGUES.store), weights: gateOrBoth },
            {
              ...into(gated, feedForward, EPILOGUES.multiplySilu),
              epilogueBuffers: [gated, gate],
              weights: up,
            },
          ],
    ),
    planStage(context, buffers, { x: gated, norm: null }, onlyPrefill, [
      { ...into(x, hidden, EPILOGUES.add), weights: weights.down },
    ]),
  ]);
  return { queryKeyValue: first, afterAttention: together([output, gates, down]) };
}

function together(parts: readonly Recorded[]): Recorded {
  return {
    record(pass, work) {
      for (const part of parts) part.record(pass, work);
    },
  };
}

type Target = Pick<MatUse, "epilogue" | "epilogueBuffers" | "outputStride" | "outputRow">;

/** Products of one input, and what makes the input that they need in a step: normed, or in int8. */
export async function planStage(
  context: MatContext,
  { step, normed, quants, scales }: InputBuffers,
  { x, norm }: { readonly x: GPUBuffer; readonly norm: MatNorm | null },
  rounding: Rounding,
  targets: readonly (Target & { readonly weights: Weights })[],
  maxRows = Infinity,
): Promise<Recorded> {
  const { resources, variants } = context;
  const { columns } = targets[0]!.weights;
  const separate = variants.norms === "separate" ? norm : null;
  const folded = norm === null || separate !== null ? {} : { norm };
  const inputs = {
    float: { kind: "float", x: separate === null ? x : normed, ...folded },
    int8: { kind: "int8", x: quants, scales },
  } as const;
  const [products, norms] = await Promise.all([
    Promise.all(
      targets.map((target) => planProduct(context, { ...target, step, inputs, rounding, maxRows })),
    ),
    separate && planNorm(resources, { step, x, normed, columns }, separate),
  ]);
  const use = { step, x, columns, norm, quants, scales };
  const quantize = products.some(({ canRound }) => canRound)
    ? await planQuantize(resources.device, use, variants.quantize, resources.requireBuffers)
    : null;
  return {
    record(pass, work) {
      const rounds = products.map((product) => product.rounds(work));
      if (rounds.includes(true)) {
        resources.counters.dispatches += quantize!.record(pass, work.rows);
      }
      if (rounds.includes(false)) norms?.record(pass, work);
      for (const product of products) product.record(pass, work);
    },
  };
}

async function planNorm(
  resources: GpuResources,
  { step, x, normed, columns }: Record<"step" | "x" | "normed", GPUBuffer> & { columns: number },
  { weight, epsilon }: MatNorm,
): Promise<Recorded> {
  const kernel = rmsNormKernel({ columns, epsilon, of: "rows" }, shaderFeatures(resources.device));
  const compiled = await resources.compile(kernel);
  resources.requireBuffers();
  const group = bind(resources.device, compiled, [step, x, weight, normed]);
  return {
    record(pass, { rows }) {
      dispatch(pass, compiled, group, [rows, 1, 1]);
      resources.counters.dispatches++;
    },
  };
}

type ProductUse = Omit<MatUse, "x"> & {
  readonly inputs: { readonly float: MatInput; readonly int8?: MatInput };
  readonly rounding: Rounding;
  /** Rows that a step may have; variants of larger steps are not compiled. */
  readonly maxRows: number;
};

/** The order of workloads in a product's choice. */
const STEP = { decode: 1, batch: 2, prefill: 3 } as const;
const WORKLOADS = ["decode", "batch", "prefill"] as const;

/** A matrix product with the shard's variants; its dispatches and bytes are counted. */
async function planProduct(
  { resources, variants, activations }: MatContext,
  { inputs, rounding, maxRows, ...use }: ProductUse,
): Promise<Product & { readonly canRound: boolean }> {
  const { format, parts } = use.weights;
  const { counters, device } = resources;
  const features = shaderFeatures(device);
  const allowed = activations === "int8" && acceptsInt8(format);
  const few = maxRows < MIN_PREFILL_ROWS;
  const choices = WORKLOADS.slice(0, few ? STEP.batch : STEP.prefill).map((workload) => ({
    upTo: STEP[workload],
    ...variants.mat(
      format,
      workload,
      allowed && rounding[workload === "prefill" ? "prefill" : "decode"],
    ),
  }));
  const plan = async (kind: Activations): Promise<MatPlan | null> => {
    const steps = choices
      .filter((choice) => choice.activations === kind)
      .map(({ upTo, variant }) => ({ upTo, ...forShape(variant, use.weights, kind, features) }));
    const x = inputs[kind];
    if (steps.length === 0 || x === undefined) return null;
    counters.bindGroupsCreated += parts.length;
    counters.buffersCreated += parts.length;
    return planMat(device, { ...use, x }, { steps }, resources.requireBuffers);
  };
  const [float, int8] = await Promise.all([plan("float"), plan("int8")]);
  const [, , prefill] = choices;
  const anyRows = prefill?.activations === "float" || (allowed && rounding.decode);
  const pick = ({ rows, workload }: StepWork) =>
    prefill !== undefined && workload === "batch" && rows >= MIN_PREFILL_ROWS && anyRows
      ? prefill
      : choices[STEP[workload] - 1]!;
  return {
    canRound: int8 !== null,
    rounds: (work) => pick(work).activations === "int8",
    record(pass, work) {
      const { activations: kind, upTo } = pick(work);
      const planned = (kind === "float" ? float : int8)!;
      counters.dispatches += planned.record(pass, work.rows, upTo);
      counters.weightBytesRead += planned.weightBytes;
    },
  };
}
