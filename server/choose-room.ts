/**
 * Which room an HTTP request means: the one it names, or the only one there is.
 * Pure; sees only the rooms' codes.
 */
import { type ApiProblem, RoomCode } from "../src/shared/index.ts";

const MAX_QUOTED_CHARACTERS = 40;

/** `named` is the value of the query or the header, or null. */
export function chooseRoom(
  named: string | null,
  rooms: readonly RoomCode[],
): RoomCode | ApiProblem {
  if (named !== null) {
    const code = RoomCode.safeParse(named).data;
    if (!code) return { reason: "bad_room_code", given: named.slice(0, MAX_QUOTED_CHARACTERS) };
    return rooms.includes(code) ? code : { reason: "no_such_room", room: code };
  }
  const [only, ...others] = rooms;
  if (only === undefined) return { reason: "no_room" };
  return others.length > 0 ? { reason: "room_required", rooms: rooms.length } : only;
}
