/**
 * Which room an HTTP request means: the one it names, or the only one there is.
 * Pure; sees only the rooms' codes.
 */
import { type ApiProblem, RoomCode } from "../src/shared/index.ts";

export type RoomChoice =
  | { readonly kind: "room"; readonly room: RoomCode }
  | { readonly kind: "none"; readonly problem: ApiProblem };

const MAX_QUOTED_CHARACTERS = 40;

/** `named` is the value of the query or the header, or null. */
export function chooseRoom(named: string | null, rooms: readonly RoomCode[]): RoomChoice {
  if (named !== null) return namedRoom(named, rooms);
  const [only, ...others] = rooms;
  if (only === undefined) return none({ reason: "no_room" });
  if (others.length > 0) return none({ reason: "room_required", rooms: rooms.length });
  return { kind: "room", room: only };
}

function namedRoom(named: string, rooms: readonly RoomCode[]): RoomChoice {
  const code = RoomCode.safeParse(named);
  if (!code.success) {
    return none({ reason: "bad_room_code", given: named.slice(0, MAX_QUOTED_CHARACTERS) });
  }
  if (!rooms.includes(code.data)) return none({ reason: "no_such_room", room: code.data });
  return { kind: "room", room: code.data };
}

function none(problem: ApiProblem): RoomChoice {
  return { kind: "none", problem };
}
