/**
 * What can go wrong with a model's file, as a tag for code and words for people.
 * Caught by whoever opens or places a model: the message goes to the page as it is.
 */
export type ModelErrorReason =
  | "malformed" // not a GGUF, or one that contradicts itself
  | "truncated" // ends before what its header announces
  | "unsupported" // a GGUF that this program cannot run
  | "not_found"
  | "refused" // the server says no, or CORS does
  | "unreachable"
  | "storage"; // the browser's disk quota

export class ModelError extends Error {
  override readonly name = "ModelError";
  readonly reason: ModelErrorReason;

  /** `message` says what happened and what to do about it. */
  constructor(reason: ModelErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export function malformed(message: string): ModelError {
  return new ModelError("malformed", `This is not a usable GGUF file: ${message}.`);
}

/** Decimal megabytes, as disks and browsers count them. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
