/**
 * Who may use the rooms' HTTP API: anyone who has the server's key, if it has one; without one, every
 * program on this machine, and elsewhere anyone who has the code of the room. Key and code are
 * sent as OpenAI clients send their API key. Pure.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { type ApiProblem, RoomCode } from "../src/shared/index.ts";

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

export type ApiAccess =
  /** `named`: the room that the request is for, or null if it may be the only one. */
  | { readonly kind: "pass"; readonly named: string | null }
  /** `isGuess`: it presented a key or a code, and not the right one. */
  | { readonly kind: "refuse"; readonly problem: ApiProblem; readonly isGuess: boolean };

export function decideApiAccess(request: ApiRequest): ApiAccess {
  const { apiKey, isLocal, authorization, named, rooms } = request;
  const given = bearerOf(authorization);
  if (apiKey !== null) {
    if (given === null) return refuse({ reason: "key_missing" }, false);
    return isSame(given, apiKey) ? { kind: "pass", named } : refuse({ reason: "key_wrong" }, true);
  }
  if (isLocal) return { kind: "pass", named };
  if (given === null) return refuse({ reason: "code_missing" }, false);
  const code = openRoomOf(authorization, rooms);
  const isNamed = named === null || RoomCode.safeParse(named).data === code;
  if (code === null || !isNamed) return refuse({ reason: "code_wrong" }, true);
  return { kind: "pass", named: code };
}

/** The room whose code `authorization` presents; null if no such room is open. */
export function openRoomOf(
  authorization: string | undefined,
  rooms: readonly RoomCode[],
): RoomCode | null {
  const code = codeOf(authorization);
  return code !== null && rooms.includes(code) ? code : null;
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

function refuse(problem: ApiProblem, isGuess: boolean): ApiAccess {
  return { kind: "refuse", problem, isGuess };
}
