/** Whether another attempt may follow after a failure of a stage. */
import type { StageFailure } from "../shared/index.ts";

/** Losses after which another attempt may follow, and what was computed is right. */
const INTERRUPTIONS: ReadonlySet<StageFailure["reason"]> = new Set([
  "stage_lost",
  "first_stage_unreachable",
  "placement_changed",
  "layers_unloaded",
  "layers_not_loaded",
  "step_failed",
  "step_late",
  "lap_late",
  "device_lost_in_step",
  "generation_not_running",
]);

export function endAfter({ reason }: StageFailure): "interrupted" | "failed" {
  return INTERRUPTIONS.has(reason) ? "interrupted" : "failed";
}
