/**
 * Which room an HTTP request means: the one it names, or the only one there is.
 * Pure; knows rooms by their codes and nothing else of them.
 */
import { RoomCode } from "../src/shared/index.ts";
import type { ApiError } from "./api-error.ts";

export type RoomChoice =
  | { readonly kind: "room"; readonly room: RoomCode }
  | { readonly kind: "none"; readonly error: ApiError };

/** `named` is what the query or the header says, or null. */
export function chooseRoom(named: string | null, rooms: readonly RoomCode[]): RoomChoice {
  if (named !== null) return namedRoom(named, rooms);
  const [only, ...others] = rooms;
  if (only === undefined) {
    return none(503, "no_room", "No room is open here. Open this server's page and open a room.");
  }
  if (others.length > 0) {
    return none(
      400,
      "room_required",
      `${rooms.length} rooms are open here: name one with ?room=CODE or the header X-Tabmesh-Room.`,
    );
  }
  return { kind: "room", room: only };
}

function namedRoom(named: string, rooms: readonly RoomCode[]): RoomChoice {
  const code = RoomCode.safeParse(named);
  if (!code.success) {
    const reason = code.error.issues[0]?.message ?? "it is not a room code";
    return none(400, "bad_room_code", `"${named.slice(0, 40)}" names no room: ${reason}.`);
  }
  if (!rooms.includes(code.data)) {
    return none(
      503,
      "no_such_room",
      `Room ${code.data} has no member that is connected to this server. Check the code, and open the room's page from this server.`,
    );
  }
  return { kind: "room", room: code.data };
}

function none(status: number, code: string, message: string): RoomChoice {
  return { kind: "none", error: { status, code, message } };
}
