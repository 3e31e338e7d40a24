/** How far an interrupted answer is on its way back, read from the room's state. Pure but for `watch`. */
import type {
  GenerationId,
  PlacementFailure,
  RecoveryProgress,
  RoomState,
  ShardState,
} from "../../shared/index.ts";
import type { RoomAccess } from "../membership/room-access.ts";

function recoveryProgress(
  { state, connection }: Pick<RoomAccess, "state" | "connection">,
  generation: GenerationId | null,
): RecoveryProgress {
  if (connection !== "connected") return { kind: "reconnecting" };
  const { placement } = state;
  if (placement?.error?.reason === "not_placed_again") {
    const { error: failure } = placement;
    return { kind: "waiting_for_member", failure, missingBytes: missingBytes(failure) };
  }
  if (!placement || placement.error !== null) return { kind: "placing" };
  if (!placement.ready) return { kind: "loading", ...loaded(state) };
  const queued = state.generations.find(({ id }) => id === generation);
  return { kind: queued?.status === "queued" ? "queued" : "recomputing" };
}

/**
 * Calls `onProgress` with the progress now, and after each change of it. `generation` is null before the
 * coordinator has queued the attempt. Returns a function that ends this.
 */
export function watchRecovery(
  room: Pick<RoomAccess, "state" | "connection" | "subscribe">,
  generation: () => GenerationId | null,
  onProgress: (progress: RecoveryProgress) => void,
): () => void {
  let last = "";
  const look = () => {
    const progress = recoveryProgress(room, generation());
    const now = JSON.stringify(progress);
    if (now !== last) onProgress(progress);
    last = now;
  };
  look();
  return room.subscribe(look);
}

function missingBytes(failure: Extract<PlacementFailure, { reason: "not_placed_again" }>) {
  const { cause } = failure;
  if (cause.reason !== "not_placed" || cause.refusal.kind !== "infeasible") return null;
  return cause.refusal.binds === "memory" ? cause.refusal.shortBytes : null;
}

function loaded({ members }: RoomState) {
  const sum = (bytes: (shard: ShardState) => number) =>
    members.reduce((total, { shard }) => total + (shard ? bytes(shard) : 0), 0);
  return {
    loadedBytes: sum(({ loadedBytes }) => loadedBytes),
    totalBytes: sum(({ totalBytes }) => totalBytes),
  };
}
