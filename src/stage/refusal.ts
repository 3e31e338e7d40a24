/** How a frame is refused: with a failure frame to its sender. */
import type { FailureFrame, Frame } from "../mesh/index.ts";
import type { GenerationId, StageFailure } from "../shared/index.ts";

/** Carries the placement of the refused frame: its sender ignores frames of another one. null if it gets none. */
export function refusalOf(frame: Frame, failure: StageFailure): FailureFrame | null {
  const { placement, epoch } = frame;
  const generation = generationOf(frame);
  return generation === null ? null : { type: "failure", placement, epoch, generation, failure };
}

/** The generation that a frame is about, the first one of several; null for one that is never refused. */
function generationOf(frame: Frame): GenerationId | null {
  if (frame.type === "hidden") return frame.segments[0]!.generation;
  switch (frame.type) {
    case "prompt":
    case "token":
    case "end":
    case "resume":
      return frame.generation;
    default:
      return null;
  }
}
