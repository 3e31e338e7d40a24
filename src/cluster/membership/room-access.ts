/** What the parts of the cluster see of the room, and how they request changes. */
import {
  type IndexedEvent,
  type MemberId,
  RoomError,
  type RoomEvent,
  type RoomNotice,
  type RoomState,
} from "../../shared/index.ts";
import type { RoomParts, Timings } from "../parts.ts";
import type { RoomCommand } from "./messages.ts";

export type Connection = "connected" | "reconnecting" | "lost";

export type RoomChange = {
  /** null if a snapshot replaced the state, or only the connection changed. */
  readonly event: IndexedEvent | null;
  /** What only this tab knows, for people; null for a change of the state or the connection. */
  readonly notice: RoomNotice | null;
};

export type RoomAccess = {
  readonly self: MemberId;
  readonly state: RoomState;
  readonly connection: Connection;
  subscribe(listener: (change: RoomChange) => void): () => void;
  /**
   * Asks the coordinator. Waits if there is none just now, and asks the next one if the coordinator is lost
   * before it answers. Rejects with a `RoomError`.
   */
  dispatch(command: RoomCommand): Promise<number | null>;
};

/** What a member does its part of the work with. */
export type MemberParts = Pick<RoomParts, "stage" | "models" | "linkFrames" | "clock"> & {
  readonly room: RoomAccess;
  readonly timings: Timings;
  readonly random: () => number;
};

/** Whether a change is the given event, for listeners that wait for one. */
export function isEvent<T extends RoomEvent["type"]>(
  change: Pick<RoomChange, "event">,
  type: T,
): change is { event: IndexedEvent & { event: Extract<RoomEvent, { type: T }> } } {
  return change.event?.event.type === type;
}

/**
 * Resolves with the first value of `read` that is not null. `read` is called at once, after each change of
 * the room, and when the signal aborts.
 */
export function whenRoom<T>(
  room: Pick<RoomAccess, "subscribe">,
  read: () => T | null,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise((resolve) => {
    const look = () => {
      const value = read();
      if (value === null) return;
      off();
      signal?.removeEventListener("abort", look);
      resolve(value);
    };
    const off = room.subscribe(look);
    signal?.addEventListener("abort", look);
    look();
  });
}

/** Waits while the room has no coordinator. Rejects with a `RoomError` once the room is lost. */
export async function whenConnected(
  room: Pick<RoomAccess, "connection" | "subscribe">,
): Promise<void> {
  await whenRoom(room, () => room.connection !== "reconnecting" || null);
  if (room.connection === "lost") throw new RoomError({ reason: "not_in_room" });
}
