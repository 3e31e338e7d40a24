/**
 * The RMS norm of all rows of a step, or of those whose logits are requested: the output norm, and
 * the norms of a layer where they are neither folded into a product nor followed by quantization.
 * Host code and reference.
 */
import wgsl from "./rms-norm.wgsl?raw";
import type { ShaderFeatures } from "../core/device.ts";
import type { Kernel } from "../core/runner.ts";
import { normReference } from "../matmul/mat-reference.ts";
import { packStep, STEP_WGSL, type StepParams } from "../core/step-uniform.ts";
import { expandTemplate } from "../core/template.ts";
import { rowThreads, workgroupSum } from "../core/workgroup-sum.ts";

export type RmsNormShape = {
  readonly columns: number; // a multiple of 4
  readonly epsilon: number;
  readonly of: "rows" | "samples";
};

/** Bindings: 1 x, 2 weight, 3 out. */
export function rmsNormKernel(
  { columns, epsilon, of }: RmsNormShape,
  features: ShaderFeatures,
): Kernel<StepParams> {
  const threads = rowThreads(columns / 4);
  const { parts, values } = workgroupSum(threads, features);
  const turns = Math.ceil(columns / 4 / threads);
  return {
    name: "rms_norm",
    wgsl: expandTemplate(wgsl, { ...values, TURNS: turns }, { ...parts, step: STEP_WGSL }),
    constants: { COLUMNS: columns, EPSILON: epsilon, GATHER: of === "samples" ? 1 : 0 },
    packParams: packStep,
    workgroups: (step) => [step[of].length, 1, 1],
  };
}

/** [rows or samples, columns] of x [rows, columns]. */
export function rmsNormReference(
  x: Float32Array,
  weight: Float32Array,
  { columns, epsilon, of }: RmsNormShape,
  { rows, samples }: StepParams,
): Float32Array {
  const normed = of === "samples" ? samples : rows.keys();
  const gathered = [...normed].flatMap((row) => [
    ...x.subarray(row * columns, (row + 1) * columns),
  ]);
  return normReference(Float32Array.from(gathered), weight, epsilon);
}
