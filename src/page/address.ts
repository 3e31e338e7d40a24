/**
 * The parameters of the page's address:
 *   /?room=CODE   &join (without a click)   &model=NAME or URL   &observe
 *   /#CODE.SECRET, a room's link
 */
import { readInvitation, ROOM_CODE_ALPHABET, ROOM_CODE_LENGTH, RoomCode } from "../shared/index.ts";

export function readAddress(href: string) {
  const { searchParams: query, hash } = new URL(href);
  const link = hash === "" ? null : readInvitation(hash);
  const text = query.get("room");
  const code = text === null ? null : RoomCode.safeParse(text);
  return {
    code: link?.code ?? code?.data ?? null,
    /** Of a link. */
    secret: link?.secret ?? null,
    /** The text in the address if it is not a room code. */
    wrongCode: code?.success === false ? text : null,
    /** The address has a fragment that is not a room's link. */
    wrongLink: hash !== "" && link === null,
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

/**
 * The address that a tab with a room's code shows. Without the secret, because browsers store
 * addresses in their history and synchronize them.
 */
export function addressInRoom(href: string, code: RoomCode | null): string {
  const address = new URL(href);
  if (code !== null) address.searchParams.set("room", code);
  address.hash = "";
  return address.href;
}

export function newRoomCode(): RoomCode {
  // Nearly uniform: 2^32 mod 31 remainders are more likely by 1e-9.
  const numbers = crypto.getRandomValues(new Uint32Array(ROOM_CODE_LENGTH));
  const letters = Array.from(numbers, (n) => ROOM_CODE_ALPHABET[n % ROOM_CODE_ALPHABET.length]);
  return RoomCode.parse(letters.join(""));
}
