/**
 * The output norm: gathers the rows whose logits are requested and norms them. (The norms inside a
 * layer are folded into the matrix kernels.) Host code and reference.
 */
import wgsl from "./rms-norm.wgsl?raw";
import type { Kernel } from "../core/runner.ts";
import { packStep, STEP_WGSL, type StepParams } from "../core/step-uniform.ts";
import { expandTemplate } from "../core/template.ts";

export type RmsNormShape = { readonly columns: number; readonly epsilon: number };

/** Bindings: 1 x, 2 weight, 3 out. `columns` is a multiple of 4. */
export function rmsNormKernel({ columns, epsilon }: RmsNormShape): Kernel<StepParams> {
  return {
    name: "rms_norm",
    wgsl: expandTemplate(wgsl, {}, { step: STEP_WGSL }),
    constants: { COLUMNS: columns, EPSILON: epsilon },
    packParams: packStep,
    workgroups: ({ samples }) => [Math.ceil((samples.length * columns) / 4 / 64), 1, 1],
  };
}

/** [samples, columns] of x [rows, columns]. */
export function rmsNormReference(
  x: Float32Array,
  weight: Float32Array,
  { columns, epsilon }: RmsNormShape,
  { samples }: StepParams,
): Float32Array {
  const out = new Float32Array(samples.length * columns);
  samples.forEach((row, i) => {
    let squares = 0;
    for (let c = 0; c < columns; c++) squares += x[row * columns + c]! ** 2;
    const scale = 1 / Math.sqrt(squares / columns + epsilon);
    for (let c = 0; c < columns; c++) {
      out[i * columns + c] = x[row * columns + c]! * weight[c]! * scale;
    }
  });
  return out;
}
