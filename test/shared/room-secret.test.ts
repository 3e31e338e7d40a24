import { hkdfSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { MemberId, RoomCode } from "../../src/shared/ids.ts";
import {
  admissionKey,
  BridgeNonce,
  BridgePublicKey,
  BridgeSignature,
  createBridgeNonce,
  createRoomSecret,
  RoomSecret,
  signBridgeClaim,
  verifyBridgeClaim,
} from "../../src/shared/room-secret.ts";

const secret = RoomSecret.parse("A".repeat(43));
const claim = {
  room: RoomCode.parse("ABCDEF"),
  epoch: 3,
  member: MemberId.parse("a"),
  nonce: BridgeNonce.parse("B".repeat(42) + "A"),
};

describe("a secret", () => {
  test("has 32 bytes, and no two are the same", () => {
    const secrets = new Set(Array.from({ length: 20 }, createRoomSecret));
    expect(secrets.size).toBe(20);
    for (const one of secrets) expect(Buffer.from(one, "base64url")).toHaveLength(32);
    expect(createBridgeNonce()).not.toBe(createBridgeNonce());
  });

  test.each([
    "",
    "A".repeat(42),
    "A".repeat(44),
    "A".repeat(42) + "=",
    "A".repeat(42) + "+",
    "é".repeat(43),
    // Bits after the last byte: a second spelling of the same secret.
    "A".repeat(42) + "B",
  ])("is not %j", (text) => {
    expect(RoomSecret.safeParse(text).success).toBe(false);
  });
});

describe("a claim", () => {
  const { publicKey, signature } = signBridgeClaim(secret, claim);

  test("is signed by a key that depends only on the secret", () => {
    expect(verifyBridgeClaim(publicKey, claim, signature)).toBe(true);
    expect(signBridgeClaim(secret, { ...claim, epoch: 4 }).publicKey).toBe(publicKey);
    expect(signBridgeClaim(createRoomSecret(), claim).publicKey).not.toBe(publicKey);
  });

  test.each([
    ["another room", { ...claim, room: RoomCode.parse("GHJKMN") }],
    ["another epoch", { ...claim, epoch: 33 }],
    ["another member", { ...claim, member: MemberId.parse("b") }],
    ["another nonce", { ...claim, nonce: createBridgeNonce() }],
  ])("is not valid for %s", (_name, other) => {
    expect(verifyBridgeClaim(publicKey, other, signature)).toBe(false);
  });

  test("is not valid with another room's key or with a signature of zeros", () => {
    const other = signBridgeClaim(createRoomSecret(), claim);
    expect(verifyBridgeClaim(other.publicKey, claim, signature)).toBe(false);
    expect(verifyBridgeClaim(publicKey, claim, other.signature)).toBe(false);
    const zeros = BridgeSignature.parse("A".repeat(86));
    expect(verifyBridgeClaim(publicKey, claim, zeros)).toBe(false);
  });

  // With the key of small order 1, S = 0 and R = the identity "verify" every message without strict rules.
  test("is not valid with a key of small order", () => {
    const identity = Buffer.concat([Buffer.of(1), Buffer.alloc(31)]);
    const key = BridgePublicKey.parse(identity.toString("base64url"));
    const forged = Buffer.concat([identity, Buffer.alloc(32)]).toString("base64url");
    expect(verifyBridgeClaim(key, claim, BridgeSignature.parse(forged))).toBe(false);
  });

  test("is not valid with bytes that are no point of the curve", () => {
    const key = BridgePublicKey.parse(Buffer.alloc(32, 0xff).toString("base64url"));
    expect(verifyBridgeClaim(key, claim, signature)).toBe(false);
  });
});

test("the admission key has 32 bytes and is neither the secret nor the bridge's key", () => {
  const key = admissionKey(secret);
  expect(key).toHaveLength(32);
  const { publicKey } = signBridgeClaim(secret, claim);
  for (const other of [secret, publicKey])
    expect(Buffer.from(key).toString("base64url")).not.toBe(other);
  // Node's HKDF is OpenSSL's.
  const expected = hkdfSync("sha256", Buffer.alloc(32), "", "tabmesh admission hmac", 32);
  expect(Buffer.from(key)).toEqual(Buffer.from(expected));
});
