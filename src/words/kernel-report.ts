/** Which kernels a shard runs, and how they were chosen. */
import type { KernelChoice, KernelReport } from "../shared/index.ts";
import { giga, time } from "./quantities.ts";

/** The device's traits, and how far measuring is; one sentence each. */
export function describeTuning({ traits, tuning }: KernelReport): string[] {
  const parallelism = traits.lowParallelism ? "Low" : "High";
  const device = `${parallelism} parallelism. A prompt is computed in chunks of ${traits.rowsPerChunk} rows.`;
  switch (tuning.status) {
    case "measured":
      return [device];
    case "untuned_few_layers":
      return [
        device,
        "All kernels are initial choices: for so few layers, measuring is not worthwhile.",
      ];
    case "first_guess": {
      const { done, total } = tuning;
      const measured = total === 0 ? "" : ` ${done} of ${total} kinds of work have been measured.`;
      return [device, `The initial choice is in use.${measured}`];
    }
    case "failed":
      return [device, `The initial choice stays, because measuring failed: ${tuning.detail}`];
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
