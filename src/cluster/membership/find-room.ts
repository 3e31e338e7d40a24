/**
 * Finds a room's coordinator and joins it, or opens the room. A member that loses its coordinator uses
 * `recovery.ts` instead.
 */
import { failureOf, type MemberId, type RoomCode, RoomError, sleep } from "../../shared/index.ts";
import type { SearchParts } from "../parts.ts";

export type RoomSearch = SearchParts & {
  readonly room: RoomCode;
  /** Reject if no one is in the room, instead of opening it. */
  readonly mustExist: boolean;
  /** Rejects with a `RoomError` "unavailable" if another attempt may help. */
  readonly join: (holder: MemberId) => Promise<void>;
  readonly coordinate: () => void;
};

/** Tries until `recoveryMs` are over. Rejects with a `RoomError`. */
export async function findRoom(search: RoomSearch): Promise<void> {
  const { registry, self, room, mustExist, join, coordinate } = search;
  const { timings, clock, random } = search;
  const endMs = clock.nowMs() + timings.recoveryMs;
  for (let lastError: unknown = null; ;) {
    try {
      // Claim first: looking up a room that no one holds takes seconds to fail.
      if (!mustExist && (await registry.claim())) return coordinate();
      const holder = await registry.lookUp();
      if (holder === null && mustExist)
        throw new RoomError({ reason: "room_not_found", code: room });
      if (holder !== null && holder !== self) return await join(holder);
    } catch (error) {
      if (error instanceof RoomError && error.code !== "unavailable") throw error;
      lastError = error;
    }
    if (clock.nowMs() > endMs) {
      if (lastError instanceof RoomError) throw lastError;
      const cause = lastError === null ? null : failureOf(lastError);
      throw new RoomError({ reason: "room_not_reached", room, cause });
    }
    // Random waits, so that members do not try at the same time again.
    await sleep(clock, timings.retryMs * (0.5 + random()));
  }
}
