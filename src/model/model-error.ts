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

/** Names and texts of a hostile file can have megabytes, and failures travel to other members. */
const MAX_SHOWN_CHARACTERS = 200;

function shown<V extends Value>(value: V): V | string {
  return typeof value === "string" && value.length > MAX_SHOWN_CHARACTERS
    ? `${value.slice(0, MAX_SHOWN_CHARACTERS)}…`
    : value;
}

/** `subject` is the key, tensor, or field that is wrong. */
export function malformed(
  problem: MalformedProblem,
  subject: string,
  found: Value = null,
  expected: Value = null,
): ModelError {
  return new ModelError({
    reason: "malformed_file",
    problem,
    subject: shown(subject),
    found: shown(found),
    expected: shown(expected),
  });
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
    found: shown(found),
    supported: [...supported],
    tensor: shown(tensor),
  });
}
