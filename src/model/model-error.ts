/**
 * What goes wrong with a model's file, as data. Caught by the callers that open or
 * place a model.
 */
import {
  FailureError,
  type MalformedProblem,
  type ModelFailure,
  type UnsupportedModelFeature,
} from "../shared/index.ts";

export class ModelError extends FailureError<ModelFailure> {
  override readonly name = "ModelError";
}

type Value = string | number | null;

/** `subject` is the key, tensor, or field that is wrong. */
export function malformed(
  problem: MalformedProblem,
  subject: string,
  found: Value = null,
  expected: Value = null,
): ModelError {
  return new ModelError({ reason: "malformed_file", problem, subject, found, expected });
}

export function unsupported(
  feature: UnsupportedModelFeature,
  found: Value = null,
  supported: readonly string[] = [],
  tensor: string | null = null,
): ModelError {
  return new ModelError({
    reason: "unsupported_model",
    feature,
    found,
    supported: [...supported],
    tensor,
  });
}
