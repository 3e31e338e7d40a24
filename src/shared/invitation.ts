/**
 * What a person needs to join a room: its code, which can be typed, or its link, which also has the
 * room's secret. The secret is in the link's fragment, which browsers send to no server and leave out of
 * the `Referer` header.
 *
 *   https://host/#ABC234.<secret>
 */
import { RoomCode } from "./ids.ts";
import { RoomSecret } from "./room-secret.ts";

export type Invitation = { readonly code: RoomCode; readonly secret: RoomSecret | null };

/** The link at which others join the room. */
export function invitationLink(origin: string, code: RoomCode, secret: RoomSecret): string {
  return `${origin}/#${code}.${secret}`;
}

/** What a person typed or pasted: a code in any case, with spaces or hyphens, or a link. null if it is neither. */
export function readInvitation(text: string): Invitation | null {
  const fragment = text.split("#")[1];
  if (fragment !== undefined) return readFragment(fragment.trim());
  const typed = text.includes("://") ? queryCode(text) : text;
  const code = RoomCode.safeParse(typed.replaceAll(/[\s-]/g, "")).data;
  return code === undefined ? null : { code, secret: null };
}

function readFragment(fragment: string): Invitation | null {
  const [code, secret] = fragment.split(".");
  const parsed = [RoomCode.safeParse(code).data, RoomSecret.safeParse(secret).data] as const;
  return parsed[0] === undefined || parsed[1] === undefined
    ? null
    : { code: parsed[0], secret: parsed[1] };
}

function queryCode(link: string): string {
  return (URL.canParse(link) && new URL(link).searchParams.get("room")) || "";
}
