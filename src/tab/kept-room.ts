/**
 * What this tab keeps of a room over a reload: the room's secret, its id, name, and color there, the
 * room's epoch, and whom it admits. It is kept in `sessionStorage`: for this tab only, and no longer than
 * it is open.
 */
import { z } from "zod";
import type { RoomClient } from "../cluster/index.ts";
import {
  Admits,
  failureOf,
  KeySuccession,
  MemberId,
  MemberName,
  type RoomCode,
  RoomSecret,
} from "../shared/index.ts";

const KeptRoom = z.object({
  secret: RoomSecret,
  succession: KeySuccession.default([]),
  /** null until the tab was in the room. */
  member: z.object({ id: MemberId, name: MemberName, color: z.int().min(0) }).nullable(),
  /** The last known one; 0 if none is. A tab that opens the room again continues after it. */
  epoch: z.int().min(0),
  admits: Admits,
});
export type KeptRoom = z.infer<typeof KeptRoom>;

/** Where it is kept: `sessionStorage` of a page. */
export type RoomStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const keyOf = (code: RoomCode) => `tabmesh.room.${code}`;

/** null if nothing is kept, or not by this version. */
export function readKeptRoom(storage: RoomStorage, code: RoomCode): KeptRoom | null {
  try {
    return KeptRoom.parse(JSON.parse(storage.getItem(keyOf(code)) ?? "null"));
  } catch {
    return null;
  }
}

/** The secret of a link that this tab was opened with. What is known of the same room stays. */
export function keepLink(storage: RoomStorage, code: RoomCode, secret: RoomSecret): void {
  if (readKeptRoom(storage, code)?.secret === secret) return;
  const nothing = { succession: [], member: null, epoch: 0, admits: "code" };
  keep(storage, code, JSON.stringify({ secret, ...nothing }));
}

/** Keeps what this tab knows of the room that it is in, now and after each change; returns how to stop it. */
export function keepRoomOf(
  client: Pick<RoomClient, "self" | "key" | "state" | "subscribe">,
  storage: RoomStorage,
): () => void {
  let kept = "";
  const update = () => {
    const { room, epoch, admits, members } = client.state;
    const member = members.find(({ id }) => id === client.self);
    if (member === undefined) return;
    const { id, name, color } = member;
    const text = JSON.stringify({ ...client.key, member: { id, name, color }, epoch, admits });
    if (kept === text) return;
    kept = text;
    keep(storage, room, text);
  };
  update();
  return client.subscribe(update);
}

/**
 * Opens this tab's connections with the id that it had before a reload, unless another tab has it: a
 * copy of this one.
 */
export async function openWithKeptId<T>(
  kept: MemberId | null,
  open: (self: MemberId) => Promise<T>,
): Promise<T> {
  try {
    if (kept !== null) return await open(kept);
  } catch (error) {
    if (failureOf(error).reason !== "id_taken") throw error;
  }
  return open(MemberId.parse(`tab-${crypto.randomUUID().slice(0, 13)}`));
}

/** When a person leaves: another room may have the same code later. */
export function forgetRoom(storage: RoomStorage, code: RoomCode): void {
  storage.removeItem(keyOf(code));
}

function keep(storage: RoomStorage, code: RoomCode, room: string): void {
  try {
    storage.setItem(keyOf(code), room);
  } catch {
    // Full or forbidden: after a reload the tab needs the code or the link again, and has another name.
  }
}
