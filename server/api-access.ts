/**
 * Who may use the rooms' HTTP API: anyone who has the server's key, if it has one; without one, every
 * program on this machine, and elsewhere anyone who has the code of the room. Key and code are
 * sent as OpenAI clients send their API key. Pure.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { type ApiProblem, RoomCode } from "../src/shared/index.ts";
import { chooseRoom } from "./choose-room.ts";

export type ApiRequest = {
  /** `--api-key`, or null. */
  readonly apiKey: string | null;
  /** From this machine, see `access.ts`. */
  readonly isLocal: boolean;
  readonly authorization: string | undefined;
  /** The room that the query or the header names, or null. */
  readonly named: string | null;
  readonly rooms: readonly RoomCode[];
};

/** The room that the request is for, or why it gets none. */
export function decideApiAccess(request: ApiRequest): RoomCode | ApiProblem {
  const { apiKey, isLocal, authorization, named, rooms } = request;
  const given = bearerOf(authorization);
  if (apiKey !== null) {
    if (given === null) return { reason: "key_missing" };
    return isSame(given, apiKey) ? chooseRoom(named, rooms) : { reason: "key_wrong" };
  }
  if (isLocal) return chooseRoom(named, rooms);
  if (given === null) return { reason: "code_missing" };
  const code = codeOf(authorization);
  const isNamed = named === null || RoomCode.safeParse(named).data === code;
  return code !== null && rooms.includes(code) && isNamed ? code : { reason: "code_wrong" };
}

/** The code that `authorization` presents; null if it presents none. */
export function codeOf(authorization: string | undefined): RoomCode | null {
  return RoomCode.safeParse(bearerOf(authorization)).data ?? null;
}

function bearerOf(authorization: string | undefined): string | null {
  return /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1] ?? null;
}

/** Takes the same time for every wrong key. Digests have the same length, as the comparison requires. */
function isSame(given: string, apiKey: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(apiKey));
}
