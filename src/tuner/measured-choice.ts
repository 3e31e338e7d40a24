/** From timings to how a matrix is multiplied: with floats or int8, and by which variant. Pure. */
import type { Activations, KernelVariants, MatrixShape, Workload } from "../kernels/index.ts";
import type { Tuned } from "./tune-mat.ts";

type Format = MatrixShape["format"];

/**
 * The least speed of int8 over that of floats at which it is used. Where norms are folded into float
 * products, its rounding is one more dispatch; where they are separate, it takes the place of the norm's.
 */
const MIN_GAIN = { folded: 1.1, separate: 0.95 } as const;

/** Most representative of the others first. */
const BY_RELEVANCE: readonly Workload[] = ["prefill", "batch", "decode"];

/**
 * The faster of float and int8 for each kind of step. Where the budget ended before both were
 * measured, the one that won another kind of step, with its first guess if necessary.
 */
export function measuredChoice(
  tuned: readonly Tuned[],
  { mat: first, norms }: Pick<KernelVariants, "mat" | "norms">,
): KernelVariants["mat"] {
  const measured = (format: Format, activations: Activations, workload: Workload) => {
    const found = tuned.find(({ job }) => job.format === format && job.activations === activations);
    const best = found?.workloads[workload].timings[0];
    return best === undefined ? null : { activations, ...best };
  };
  const winner = (format: Format, workload: Workload) => {
    const float = measured(format, "float", workload);
    const int8 = measured(format, "int8", workload);
    if (float === null || int8 === null) return null;
    return int8.macsPerMs > MIN_GAIN[norms] * float.macsPerMs ? int8 : float;
  };
  return (format, workload, mayRound) => {
    const float = measured(format, "float", workload);
    if (!mayRound) return float ?? first(format, workload, false);
    const won = winner(format, workload);
    if (won !== null) return won;
    const elsewhere = BY_RELEVANCE.map((other) => winner(format, other)).find(
      (one) => one !== null,
    );
    if (elsewhere === undefined) return float ?? first(format, workload, true);
    const { activations } = elsewhere;
    return (
      measured(format, activations, workload) ?? first(format, workload, activations === "int8")
    );
  };
}
