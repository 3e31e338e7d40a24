import { describe, expect, test } from "vitest";
import { KEEP_KEY_MS, RoomClaims } from "../../server/room-claims.ts";
import { BRIDGE_VERSION } from "../../src/shared/bridge.ts";
import { MemberId, RoomCode } from "../../src/shared/ids.ts";
import {
  createBridgeNonce,
  createRoomSecret,
  nextRoomKey,
  signBridgeClaim,
  type RoomKey,
  type RoomSecret,
} from "../../src/shared/room-secret.ts";

const MAX_ROOMS = 2;
const ROOM = RoomCode.parse("ABCDEF");
const [A, B] = ["a", "b"].map((id) => MemberId.parse(id)) as [MemberId, MemberId];
const owner = createRoomSecret();
const stranger = createRoomSecret();

/** Claims, and returns the refusal's reason. */
function claim(
  claims: RoomClaims,
  key: RoomSecret | RoomKey,
  epoch: number,
  nowMs = 0,
  room = ROOM,
  member = A,
) {
  const nonce = createBridgeNonce();
  const { secret, succession } = typeof key === "string" ? { secret: key, succession: [] } : key;
  const signed = signBridgeClaim(secret, { room, epoch, member, nonce }, succession);
  const claimed = { type: "claim", version: BRIDGE_VERSION, room, epoch, member } as const;
  const message = { ...claimed, ...signed };
  return claims.decide(message, nonce, nowMs)?.reason ?? null;
}

describe("a claim", () => {
  test("of the room's key is accepted in the same epoch and in later ones", () => {
    const claims = new RoomClaims(MAX_ROOMS);
    for (const epoch of [7, 7, 8, 9]) {
      expect(claim(claims, owner, epoch)).toBeNull();
    }
  });

  test("of another key is refused, whatever its epoch, and changes nothing", () => {
    const claims = new RoomClaims(MAX_ROOMS);
    expect(claim(claims, owner, 7)).toBeNull();
    for (const epoch of [1, 7, 8, Number.MAX_SAFE_INTEGER]) {
      expect(claim(claims, stranger, epoch)).toBe("wrong_key");
    }
    expect(claim(claims, owner, 7)).toBeNull();
  });

  test("of two members that opened the same epoch: that of the smaller id is the later one", () => {
    const claims = new RoomClaims(MAX_ROOMS);
    const by = (member: MemberId, epoch = 7) => claim(claims, owner, epoch, 0, ROOM, member);
    expect(by(B)).toBeNull();
    expect(by(A)).toBeNull();
    expect(by(B)).toBe("epoch_passed");
    expect(by(A)).toBeNull();
    expect(by(B, 8)).toBeNull();
  });

  test("of an earlier epoch, or of one far ahead, is refused", () => {
    const claims = new RoomClaims(MAX_ROOMS);
    expect(claim(claims, owner, 7)).toBeNull();
    expect(claim(claims, owner, 6)).toBe("epoch_passed");
    expect(claim(claims, owner, 9)).toBe("epoch_too_high");
    expect(claim(claims, owner, Number.MAX_SAFE_INTEGER)).toBe("epoch_too_high");
    expect(claim(claims, owner, 8)).toBeNull();
  });

  test("is refused if the signature is of another nonce, epoch, or room", () => {
    const nonce = createBridgeNonce();
    const signed = signBridgeClaim(owner, { room: ROOM, epoch: 7, member: A, nonce });
    const message = {
      type: "claim",
      version: BRIDGE_VERSION,
      room: ROOM,
      epoch: 7,
      member: A,
      ...signed,
    } as const;
    const decide = (change: Partial<typeof message>, given = nonce) =>
      new RoomClaims(MAX_ROOMS).decide({ ...message, ...change }, given, 0)?.reason ?? null;
    expect(decide({})).toBeNull();
    expect(decide({}, createBridgeNonce())).toBe("invalid_signature");
    expect(decide({ room: RoomCode.parse("GHJKMN") })).toBe("invalid_signature");
    expect(decide({ member: B })).toBe("invalid_signature");
    const { publicKey } = signBridgeClaim(stranger, { room: ROOM, epoch: 7, member: A, nonce });
    expect(decide({ publicKey })).toBe("invalid_signature");
  });
});

test("a room is forgotten ten minutes after its last socket closed", () => {
  const claims = new RoomClaims(MAX_ROOMS);
  expect(claim(claims, owner, 7, 1000)).toBeNull();
  // An open room is kept however long it lasts.
  expect(claim(claims, stranger, 7, 1000 + 10 * KEEP_KEY_MS)).toBe("wrong_key");
  claims.release(ROOM, 5000);
  expect(claim(claims, stranger, 7, 5000 + KEEP_KEY_MS - 1)).toBe("wrong_key");
  expect(claim(claims, stranger, 1, 5000 + KEEP_KEY_MS)).toBeNull();
});

test("of more rooms than the server keeps, the last ones are refused until one is forgotten", () => {
  const claims = new RoomClaims(MAX_ROOMS);
  const [first, second, third] = ["AAAAAA", "BBBBBB", "CCCCCC"].map((code) => RoomCode.parse(code));
  expect(claim(claims, owner, 1, 0, first)).toBeNull();
  expect(claim(claims, owner, 1, 0, second)).toBeNull();
  expect(claim(claims, owner, 1, 0, third)).toBe("too_many_rooms");
  expect(claim(claims, owner, 2, 0, second)).toBeNull();
  claims.release(first!, 0);
  expect(claim(claims, owner, 1, KEEP_KEY_MS, third)).toBeNull();
});

describe("after a member was removed, the room's next key", () => {
  const first: RoomKey = { secret: owner, succession: [] };
  const second = nextRoomKey(ROOM, first);
  const third = nextRoomKey(ROOM, second);

  test("takes the place of the earlier one, which has no rights any more", () => {
    const claims = new RoomClaims(MAX_ROOMS);
    expect(claim(claims, first, 7)).toBeNull();
    expect(claim(claims, second, 7)).toBeNull();
    expect(claim(claims, first, 8)).toBe("wrong_key");
    expect(claim(claims, third, 8)).toBeNull();
    expect(claim(claims, second, 9)).toBe("wrong_key");
  });

  test("is accepted from a room that changed it twice without the server's notice", () => {
    const claims = new RoomClaims(MAX_ROOMS);
    expect(claim(claims, first, 7)).toBeNull();
    expect(claim(claims, third, 7)).toBeNull();
  });

  test("of a removed member, which signs one of its own, comes too late", () => {
    const claims = new RoomClaims(MAX_ROOMS);
    expect(claim(claims, first, 7)).toBeNull();
    const own = nextRoomKey(ROOM, first);
    expect(claim(claims, second, 7)).toBeNull();
    expect(claim(claims, own, 8)).toBe("wrong_key");
    expect(claim(claims, nextRoomKey(ROOM, own), 8)).toBe("wrong_key");
  });

  test("must be signed by the registered one, for this room", () => {
    const claims = new RoomClaims(MAX_ROOMS);
    expect(claim(claims, first, 7)).toBeNull();
    const unsigned = { secret: second.secret, succession: [] };
    const ofStranger = nextRoomKey(ROOM, { secret: stranger, succession: [] });
    const ofOtherRoom = nextRoomKey(RoomCode.parse("GHJKMN"), first);
    const [link] = second.succession;
    const renamed = { secret: stranger, succession: [link!] };
    for (const forged of [unsigned, ofStranger, ofOtherRoom, renamed])
      expect(claim(claims, forged, 7)).toBe("wrong_key");
  });

  test("may claim an earlier epoch: what the removed member claimed does not lock the room out", () => {
    const claims = new RoomClaims(MAX_ROOMS);
    expect(claim(claims, first, 7)).toBeNull();
    for (let epoch = 8; epoch < 100; epoch++) expect(claim(claims, first, epoch)).toBeNull();
    expect(claim(claims, first, 7)).toBe("epoch_passed");
    expect(claim(claims, second, 7)).toBeNull();
  });

  test("may follow eight earlier ones at most", () => {
    const claims = new RoomClaims(MAX_ROOMS);
    expect(claim(claims, first, 7)).toBeNull();
    let key = first;
    for (let count = 0; count < 9; count++) key = nextRoomKey(ROOM, key);
    expect(key.succession).toHaveLength(8);
    expect(claim(claims, key, 7)).toBe("wrong_key");
  });
});
