/** The room's door at the signalling server, as the cluster uses it. */
import { claimDoor, knock, type Door as MeshDoor } from "../mesh/door.ts";
import { MeshError } from "../mesh/errors.ts";
import type { PeerOptions } from "../mesh/signalling.ts";
import type { MemberId, RoomCode } from "../shared/ids.ts";
import type { Door } from "./parts.ts";
import { RoomError } from "./room-error.ts";

export function meshDoor(code: RoomCode, self: MemberId, options: PeerOptions): Door {
  let held: Extract<MeshDoor, { kind: "claimed" }> | null = null;
  return {
    async knock() {
      if (held) return self;
      try {
        return await knock(code, options);
      } catch (error) {
        if (error instanceof MeshError && error.reason === "no_room") return null;
        // Another version stays another version: no use in trying again.
        if (error instanceof MeshError && error.reason === "refused") {
          throw new RoomError("refused", error.message);
        }
        throw error;
      }
    },
    async claim() {
      if (held) return true;
      const door = await claimDoor(code, self, options);
      if (door.kind === "claimed") held = door;
      return held !== null;
    },
    release() {
      held?.release();
      held = null;
    },
  };
}
