/**
 * How this tab introduces itself to a room: a name and a color, which it keeps over
 * a reload. They are kept per tab, so that two tabs of one browser stay distinct.
 */
import { z } from "zod";
import type { RoomClient } from "../cluster/index.ts";
import { type Adapter, MemberName } from "../shared/index.ts";

const Identity = z.object({ name: MemberName, color: z.int().min(0) });
export type Identity = z.infer<typeof Identity>;

const KEY = "tabmesh.identity";

/** Where it is kept: `sessionStorage` of a page. */
export type IdentityStorage = Pick<Storage, "getItem" | "setItem">;

/** The identity that this tab had before a reload, or a new one named after the browser. */
export function identityOf(
  storage: IdentityStorage,
  adapter: Pick<Adapter, "browser"> | null,
  userAgent: string,
): Identity {
  const name = `${adapter?.browser ?? "A tab"} on ${platformOf(userAgent)}`;
  return readIdentity(storage) ?? { name, color: 0 };
}

/** Keeps what the room calls this tab, now and after each change; returns how to stop it. */
export function keepIdentityOf(
  room: Pick<RoomClient, "self" | "state" | "subscribe">,
  storage: IdentityStorage,
): () => void {
  let kept = "";
  const keep = () => {
    const member = room.state.members.find(({ id }) => id === room.self);
    if (!member) return;
    const identity = JSON.stringify({ name: member.name, color: member.color });
    if (identity === kept) return;
    kept = identity;
    try {
      storage.setItem(KEY, identity);
    } catch {
      // Full or forbidden: the tab has another name after a reload.
    }
  };
  keep();
  return room.subscribe(keep);
}

function readIdentity(storage: IdentityStorage): Identity | null {
  try {
    return Identity.parse(JSON.parse(storage.getItem(KEY) ?? "null"));
  } catch {
    return null; // nothing kept, or not by this version
  }
}

export function platformOf(userAgent: string): string {
  const platforms = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "CrOS", "Linux"];
  const found = platforms.find((platform) => userAgent.includes(platform)) ?? "this machine";
  return { "Mac OS": "macOS", CrOS: "ChromeOS" }[found] ?? found;
}
