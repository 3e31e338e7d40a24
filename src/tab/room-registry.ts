/** The room registry at the signaling server, as the cluster uses it. */
import {
  MeshError,
  claimRoom,
  lookUpRoom,
  reachesServer,
  type RoomClaim,
  type PeerOptions,
} from "../mesh/index.ts";
import { type MemberId, type RoomCode, RoomError } from "../shared/index.ts";
import type { RoomRegistry } from "../cluster/index.ts";

/** Replaced in tests. */
const SIGNALING_SERVER = { claimRoom, lookUpRoom, reachesServer };

export function openRoomRegistry(
  code: RoomCode,
  self: MemberId,
  options: PeerOptions,
  { claimRoom, lookUpRoom, reachesServer } = SIGNALING_SERVER,
): RoomRegistry {
  let held: RoomClaim | null = null;
  return {
    async lookUp(timeoutMs) {
      if (held?.isHeld()) return self;
      try {
        return await lookUpRoom(code, options, timeoutMs);
      } catch (error) {
        const failure = error instanceof MeshError ? error.failure : null;
        if (failure?.reason === "room_not_found") return null;
        // Trying again does not change the version.
        if (failure?.reason === "version_mismatch") throw new RoomError(failure);
        throw error;
      }
    },
    async claim() {
      if (held?.isHeld()) return true;
      // The server may have given the name to another tab meanwhile.
      held?.release();
      held = await claimRoom(code, self, options);
      return held !== null;
    },
    reachesServer: () => reachesServer(options),
    release() {
      held?.release();
      held = null;
    },
  };
}
