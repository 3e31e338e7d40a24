/**
 * The parameters of the page's address:
 *   /?room=CODE   &join (without a click)   &model=NAME or URL   &observe
 */
import { ROOM_CODE_ALPHABET, ROOM_CODE_LENGTH, RoomCode } from "../shared/index.ts";

export type Address = {
  readonly code: RoomCode | null;
  /** The text in the address if it is not a room code; otherwise null. */
  readonly wrongCode: string | null;
  readonly join: boolean;
  readonly observe: boolean;
  readonly model: string | null;
};

export function readAddress(href: string): Address {
  const query = new URL(href).searchParams;
  const text = query.get("room");
  const code = text === null ? null : RoomCode.safeParse(text);
  return {
    code: code?.data ?? null,
    wrongCode: code?.success === false ? text : null,
    join: query.has("join"),
    observe: query.has("observe"),
    model: query.get("model") || null,
  };
}

/**
 * The origin at which other machines find this page: they cannot reach "localhost", so
 * the server's first network address replaces it, if there is one.
 */
export function shareOrigin(origin: string, addresses: readonly string[]): string {
  const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(new URL(origin).hostname);
  const onNetwork = addresses.find((address) => new URL(address).hostname !== "localhost");
  return isLocal ? (onNetwork ?? origin) : origin;
}

/** The address at which others join. */
export function roomAddress(origin: string, code: RoomCode): string {
  return `${origin}/?room=${code}`;
}

export function newRoomCode(): RoomCode {
  // Nearly uniform: 2^32 mod 31 remainders are more likely by 1e-9.
  const numbers = crypto.getRandomValues(new Uint32Array(ROOM_CODE_LENGTH));
  const letters = Array.from(numbers, (n) => ROOM_CODE_ALPHABET[n % ROOM_CODE_ALPHABET.length]);
  return RoomCode.parse(letters.join(""));
}
