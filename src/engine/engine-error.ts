/** Something that the engine cannot do. The stage fails the generations that it concerns. */
import { type EngineFailure, FailureError } from "../shared/index.ts";

export class EngineError extends FailureError<EngineFailure> {
  override readonly name = "EngineError";
}
