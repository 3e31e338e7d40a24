/** From timings to how a matrix is multiplied: with floats or int8, and by which variant. Pure. */
import type { Activations, KernelVariants, MatrixShape, Workload } from "../kernels/index.ts";
import type { Measured } from "./jobs.ts";

type Format = MatrixShape["format"];

/**
 * The least speed of int8 over that of floats at which it is used. Where norms are folded into float
 * products, its rounding is one more dispatch; where they are separate, it takes the place of the norm's.
 */
const MIN_GAIN = { folded: 1.1, separate: 0.95 } as const;

/** Most representative of the others first. */
const BY_RELEVANCE: readonly Workload[] = ["prefill", "batch", "decode"];

/**
 * The faster of float and int8 for each kind of step. Where not both were measured, as in a head's
 * batches, the one that won another kind of step, with its first guess if necessary.
 */
export function measuredChoice(
  measured: readonly Measured[],
  { mat: first, norms }: Pick<KernelVariants, "mat" | "norms">,
): KernelVariants["mat"] {
  const best = (format: Format, activations: Activations, workload: Workload) => {
    const found = measured.find(
      ({ job }) =>
        job.format === format && job.activations === activations && job.workload === workload,
    );
    const timing = found?.timings[0];
    return timing && { activations, ...timing };
  };
  const winner = (format: Format, workload: Workload) => {
    const float = best(format, "float", workload);
    const int8 = best(format, "int8", workload);
    if (float === undefined || int8 === undefined) return undefined;
    return int8.macsPerMs > MIN_GAIN[norms] * float.macsPerMs ? int8 : float;
  };
  return (format, workload, mayRound) => {
    const float = best(format, "float", workload);
    if (!mayRound) return float ?? first(format, workload, false);
    const won = [workload, ...BY_RELEVANCE].map((one) => winner(format, one)).find(Boolean);
    if (won === undefined) return float ?? first(format, workload, true);
    return (
      best(format, won.activations, workload) ?? first(format, workload, won.activations === "int8")
    );
  };
}
