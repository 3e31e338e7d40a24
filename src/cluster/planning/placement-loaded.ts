/** Waits until every stage of a placement has its layers. */
import { type PlacementId, RoomError, type RoomFailure } from "../../shared/index.ts";
import { type RoomAccess, whenRoom } from "../membership/room-access.ts";

/** Resolves once `placement` is ready, or a newer one that replaced it. Rejects with a `RoomError`. */
export async function placementLoaded(
  room: Pick<RoomAccess, "state" | "connection" | "subscribe">,
  placement: PlacementId,
  signal?: AbortSignal,
): Promise<void> {
  // The event with this placement may arrive here later.
  let wasThere = false;
  const end = await whenRoom(
    room,
    (): RoomFailure | "ready" | null => {
      const { placement: now, handover } = room.state;
      if (signal?.aborted) return { reason: "cancelled" };
      if (room.connection === "lost") return { reason: "not_in_room" };
      const isCurrent = now !== null && now.id >= placement;
      if (isCurrent && now.ready) return "ready";
      if (isCurrent && now.error !== null) return now.error;
      const isThere = isCurrent || handover?.placement.id === placement;
      if (wasThere && !isThere)
        return { reason: now === null ? "placement_cleared" : "placement_replaced" };
      wasThere = isThere;
      return null;
    },
    signal,
  );
  if (end !== "ready") throw new RoomError(end);
}
