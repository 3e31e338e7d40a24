/** Errors of the room, the mesh, and the API as the library's own. */
import { type NameOf, nameOfRoom } from "../words/index.ts";
import type { ApiRoom } from "./http/api-room.ts";
import { apiErrorOf } from "./http/errors.ts";
import { TabmeshError, type TabmeshErrorCode } from "./public.ts";

/** Any error as the library's own. `nameOf` gives the names that people call members by. */
export function tabmeshErrorOf(error: unknown, nameOf: NameOf): TabmeshError {
  if (error instanceof TabmeshError) return error;
  const { code, message, reason } = apiErrorOf(error, nameOf).body.error;
  const isMeshError = error instanceof Error && error.name === "MeshError";
  const ownCode = isMeshError ? "unreachable" : (code as TabmeshErrorCode);
  return new TabmeshError(ownCode, message, reason, { cause: error });
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
