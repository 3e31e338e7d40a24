import { FailureError, type StageFailure } from "../shared/index.ts";

/** A stage cannot load or answer. Caught by the cluster, in the page's thread. */
export class StageError extends FailureError<StageFailure> {
  override readonly name = "StageError";
}
