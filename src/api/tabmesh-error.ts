/** The library's errors. */
import { type RoomErrorCode, type ApiProblem, failureOf } from "../shared/index.ts";
import { describeFailure } from "../words/index.ts";
import { apiErrorOf } from "./http/errors.ts";

/**
 * The same codes as in the errors of the HTTP API, and:
 *
 *   unreachable      the server or a member cannot be reached
 *   internal_error   everything that is not expected; see `cause`
 */
export type TabmeshErrorCode =
  ApiProblem["kind"] | RoomErrorCode | "unreachable" | "internal_error";

export class TabmeshError extends Error {
  override readonly name = "TabmeshError";
  readonly code: TabmeshErrorCode;
  /** The data that the message was rendered from, where there is any. */
  readonly reason: Readonly<Record<string, unknown>> | null;

  constructor(
    code: TabmeshErrorCode,
    message: string,
    options: ErrorOptions & { readonly reason?: TabmeshError["reason"] } = {},
  ) {
    super(message, options);
    this.code = code;
    this.reason = options.reason ?? null;
  }
}

/** Any error as the library's own. */
export function tabmeshErrorOf(error: unknown): TabmeshError {
  if (error instanceof TabmeshError) return error;
  if (error instanceof Error && error.name === "MeshError") {
    const reason = failureOf(error);
    const message = describeFailure(reason, (id) => id);
    return new TabmeshError("unreachable", message, { cause: error, reason });
  }
  const { code, message, reason } = apiErrorOf(error).body.error;
  return new TabmeshError(code as TabmeshErrorCode, message, { cause: error, reason });
}

/** Rejects with a `TabmeshError` where `promise` rejects. */
export async function orTabmeshError<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw tabmeshErrorOf(error);
  }
}

/** Throws a `TabmeshError` where `parts` throws. */
export async function* partsOrTabmeshError<T>(parts: AsyncIterable<T>): AsyncGenerator<T, void> {
  try {
    yield* parts;
  } catch (error) {
    throw tabmeshErrorOf(error);
  }
}
