/** The library's errors. */
import type { ApiProblem, RoomErrorCode } from "../shared/index.ts";
import { type NameOf, nameOfRoom } from "../words/index.ts";
import type { ApiRoom } from "./http/api-room.ts";
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

/** Any error as the library's own. `nameOf` gives the names that people call members by. */
export function tabmeshErrorOf(error: unknown, nameOf: NameOf): TabmeshError {
  if (error instanceof TabmeshError) return error;
  const { code, message, reason } = apiErrorOf(error, nameOf).body.error;
  const isMeshError = error instanceof Error && error.name === "MeshError";
  const ownCode = isMeshError ? "unreachable" : (code as TabmeshErrorCode);
  return new TabmeshError(ownCode, message, { cause: error, reason });
}

/** Wraps what a room's functions throw. */
export function wrapErrors(room: ApiRoom) {
  const wrapped = (error: unknown) => tabmeshErrorOf(error, nameOfRoom(room.client.state));
  return {
    async promise<T>(promise: Promise<T>): Promise<T> {
      try {
        return await promise;
      } catch (error) {
        throw wrapped(error);
      }
    },
    async *parts<T>(parts: AsyncIterable<T>): AsyncGenerator<T, void> {
      try {
        yield* parts;
      } catch (error) {
        throw wrapped(error);
      }
    },
  };
}
