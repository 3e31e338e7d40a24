/** From timings to how a matrix is multiplied: with floats or int8, and by which variant. Pure. */
import type { Activations, KernelVariants } from "../kernels/index.ts";
import type { Measured } from "./jobs.ts";

/**
 * The least speed of int8 over that of floats at which it is used. Where norms are folded into float
 * products, its rounding is one more dispatch; where they are separate, it takes the place of the norm's.
 */
const MIN_GAIN = { folded: 1.1, separate: 0.95 } as const;

/** The faster of float and int8 for each kind of step; the first guess where neither was measured. */
export function measuredChoice(
  measured: readonly Measured[],
  { mat: first, norms }: Pick<KernelVariants, "mat" | "norms">,
): KernelVariants["mat"] {
  return (format, workload, mayRound) => {
    const best = (activations: Activations) => {
      const found = measured.find(
        ({ job }) =>
          job.format === format && job.activations === activations && job.workload === workload,
      );
      const timing = found?.timings[0];
      return timing && { activations, ...timing };
    };
    const float = best("float");
    const int8 = mayRound ? best("int8") : undefined;
    const minRate = MIN_GAIN[norms] * (float?.macsPerMs ?? 0);
    if (int8 !== undefined && int8.macsPerMs > minRate) return int8;
    return float ?? first(format, workload, mayRound);
  };
}
