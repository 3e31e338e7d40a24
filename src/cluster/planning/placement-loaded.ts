/** Waits until every stage of a placement has its layers. */
import { type PlacementId, RoomError } from "../../shared/index.ts";
import { isEvent, type RoomAccess } from "../membership/room-access.ts";

/** Resolves once `placement` is ready, or a newer one that replaced it. Rejects with a `RoomError`. */
export function placementLoaded(
  room: Pick<RoomAccess, "state" | "connection" | "subscribe">,
  placement: PlacementId,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error: RoomError | null) => {
      off();
      signal?.removeEventListener("abort", onAbort);
      if (error) reject(error);
      else resolve();
    };
    let wasHandedOver = false;
    const onAbort = () => settle(new RoomError({ reason: "cancelled" }));
    const look = () => {
      const now = room.state.placement;
      wasHandedOver ||= room.state.handover?.placement.id === placement;
      // The event with this placement may not have arrived here yet.
      if (room.connection === "lost") {
        settle(new RoomError({ reason: "not_in_room" }));
      } else if (now && now.id >= placement && now.ready) settle(null);
      else if (now && now.id >= placement && now.error !== null) {
        settle(new RoomError(now.error));
      } else if (
        wasHandedOver &&
        room.state.handover?.placement.id !== placement &&
        now?.id !== placement
      )
        settle(new RoomError({ reason: "placement_replaced" }));
    };
    const off = room.subscribe((change) => {
      if (isEvent(change, "placement_cleared") && change.event.event.placement === placement) {
        settle(new RoomError({ reason: "placement_cleared" }));
      } else look();
    });
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
    else look();
  });
}
