/** From timings to what multiplies a matrix: floats or int8, and by which variant. Pure. */
import type { Activations, Workload } from "../kernels/mat-variant.ts";
import type { Tuned } from "../kernels/tune.ts";
import type { BlockFormat } from "../tensor/block-format.ts";
import type { EngineVariants } from "./variants.ts";

/** How much faster int8 must be than floats: its rounding is a dispatch of its own. */
const ROUNDING_COST = 1.1;

/** Those whose rates tell most of the others', first. */
const TELLING: readonly Workload[] = ["prefill", "batch", "decode"];

/**
 * The faster of float and int8 for each kind of step. Where the budget ended before both were
 * measured, that which won another kind of step, by its first guess if need be.
 */
export function measuredChoice(
  tuned: readonly Tuned[],
  first: EngineVariants["mat"],
): EngineVariants["mat"] {
  const measured = (format: BlockFormat, activations: Activations, workload: Workload) => {
    const found = tuned.find(({ job }) => job.format === format && job.activations === activations);
    const best = found?.workloads[workload].timings[0];
    return best === undefined ? null : { activations, ...best };
  };
  const winner = (format: BlockFormat, workload: Workload) => {
    const float = measured(format, "float", workload);
    const int8 = measured(format, "int8", workload);
    if (float === null || int8 === null) return null;
    return int8.macsPerMs > ROUNDING_COST * float.macsPerMs ? int8 : float;
  };
  return (format, workload, mayRound) => {
    const float = measured(format, "float", workload);
    if (!mayRound) return float ?? first(format, workload, false);
    const won = winner(format, workload);
    if (won !== null) return won;
    const elsewhere = TELLING.map((other) => winner(format, other)).find((one) => one !== null);
    if (elsewhere === undefined) return float ?? first(format, workload, true);
    const { activations } = elsewhere;
    return (
      measured(format, activations, workload) ?? first(format, workload, activations === "int8")
    );
  };
}
