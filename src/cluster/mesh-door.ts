/** The room registry at the signaling server, as the cluster uses it. */
import { MeshError } from "../mesh/mesh-error.ts";
import { claimRoom, lookUpRoom, type RoomClaim } from "../mesh/room-registry.ts";
import type { PeerOptions } from "../mesh/signaling.ts";
import type { MemberId, RoomCode } from "../shared/ids.ts";
import type { Door } from "./parts.ts";
import { RoomError } from "../shared/room-error.ts";

export function meshDoor(code: RoomCode, self: MemberId, options: PeerOptions): Door {
  let held: RoomClaim | null = null;
  return {
    async knock() {
      if (held) return self;
      try {
        return await lookUpRoom(code, options);
      } catch (error) {
        const failure = error instanceof MeshError ? error.failure : null;
        if (failure?.reason === "room_not_found") return null;
        // Trying again does not change the version.
        if (failure?.reason === "version_mismatch") throw new RoomError(failure);
        throw error;
      }
    },
    async claim() {
      held ??= await claimRoom(code, self, options);
      return held !== null;
    },
    release() {
      held?.release();
      held = null;
    },
  };
}
