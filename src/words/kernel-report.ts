/** Which kernels a shard runs, and how they were chosen. */
import type { KernelChoice, KernelReport } from "../shared/index.ts";
import { giga, time } from "./quantities.ts";

/** The device's traits, and how far measuring is; one sentence each. */
export function describeTuning({ traits, tuning }: KernelReport): string[] {
  const parallelism = traits.lowParallelism ? "Low" : "High";
  const unpack = traits.float16Unpack === "shift" ? "shifts" : "the builtin";
  const device = `${parallelism} parallelism; f16 pairs by ${unpack}; prompts by ${traits.rowsPerChunk} rows.`;
  switch (tuning.status) {
    case "measured":
      return [device];
    case "untuned_few_layers":
      return [device, "All are first guesses: these layers are too few to be worth measuring."];
    case "first_guess": {
      const { done, total } = tuning;
      const measured = total === 0 ? "" : ` ${done} of ${total} kinds of work are measured.`;
      return [device, `A first guess runs.${measured}`];
    }
    case "failed":
      return [device, `The first guess stays: ${tuning.detail}`];
    default:
      return tuning satisfies never;
  }
}

/** The work, what runs it and how fast, and the relative speeds of the others (with a separator). */
export function describeKernelChoice(choice: KernelChoice) {
  const { kind, shape, workload, winner, ratePerMs } = choice;
  const work = `${kind === "attention" ? "attention " : ""}${shape} ${workload}`;
  if (ratePerMs === null) return { work, winner, others: " (not measured)" };
  const rate = kind === "attention" ? time(1 / ratePerMs) : `${giga(ratePerMs)} GMAC/s`;
  const speeds = choice.others.map(({ name, speed }) => `${name} ${speed.toFixed(2)}`).join(", ");
  return { work, winner: `${winner} ${rate}`, others: speeds === "" ? "" : `; ${speeds}` };
}
