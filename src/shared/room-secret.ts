/**
 * The secret of a room: 32 random bytes that the member that opens the room creates and that
 * every admitted member receives, over the encrypted control channel or in the fragment of the
 * room's link. No server receives it. When a member is removed, the others get another secret.
 * Two keys are derived from it (HKDF-SHA-256, RFC 5869): an Ed25519 key pair that proves to a
 * server that a tab is in the room, and the key of the proof by which members admit a newcomer.
 *
 * `@noble` instead of WebCrypto: `crypto.subtle` is absent on plain HTTP, and its API is asynchronous.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { z } from "zod";
import type { MemberId, RoomCode } from "./ids.ts";

const { base64urlToUint8Array: decode, uint8ArrayToBase64url: encode } = z.util;

const SECRET_BYTES = 32;
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const NONCE_BYTES = 32;

/** Base64url, 43 characters: the form in messages and in links. */
export const RoomSecret = base64url(SECRET_BYTES).brand<"RoomSecret">();
export type RoomSecret = z.infer<typeof RoomSecret>;

export const BridgePublicKey = base64url(PUBLIC_KEY_BYTES).brand<"BridgePublicKey">();
export type BridgePublicKey = z.infer<typeof BridgePublicKey>;

export const BridgeSignature = base64url(SIGNATURE_BYTES).brand<"BridgeSignature">();
export type BridgeSignature = z.infer<typeof BridgeSignature>;

/** The server's challenge: never used twice, so that a signature cannot be replayed. */
export const BridgeNonce = base64url(NONCE_BYTES).brand<"BridgeNonce">();
export type BridgeNonce = z.infer<typeof BridgeNonce>;

/** What a claim signs: this room, this term of its coordinator, on this socket. */
export type BridgeClaim = {
  readonly room: RoomCode;
  readonly epoch: number;
  readonly member: MemberId;
  readonly nonce: BridgeNonce;
};

/** After as many changes of the secret without the server's knowledge, the room loses its place there. */
const MAX_SUCCESSION = 8;

/**
 * Earlier keys of the bridge, oldest first: each signed the next one, and the last one signed the key of
 * the present secret. A server that knows one of them can follow.
 */
export const KeySuccession = z
  .array(z.strictObject({ publicKey: BridgePublicKey, signature: BridgeSignature }))
  .max(MAX_SUCCESSION);
export type KeySuccession = z.infer<typeof KeySuccession>;

/** What a member has of its room, and a stranger has not. */
export const RoomKey = z.strictObject({ secret: RoomSecret, succession: KeySuccession });
export type RoomKey = z.infer<typeof RoomKey>;

/** Another secret for the same room, whose bridge key is signed by the present one. */
export function nextRoomKey(room: RoomCode, { secret, succession }: RoomKey): RoomKey {
  const next = createRoomSecret();
  const signer = bridgeKey(secret);
  const link = signer.sign(succeeding(room, bridgeKey(next).publicKey));
  return { secret: next, succession: [...succession, link].slice(-MAX_SUCCESSION) };
}

/** Whether `succession` leads from the key `known` to `publicKey`. */
export function succeeds(
  room: RoomCode,
  known: BridgePublicKey,
  publicKey: BridgePublicKey,
  succession: KeySuccession,
): boolean {
  const first = succession.findIndex((link) => link.publicKey === known);
  if (first < 0) return false;
  return succession.slice(first).every((link, index) => {
    const next = succession[first + index + 1]?.publicKey ?? publicKey;
    return isSigned(link.publicKey, succeeding(room, next), link.signature);
  });
}

export function createRoomSecret(): RoomSecret {
  return RoomSecret.parse(randomBase64url(SECRET_BYTES));
}

export function createBridgeNonce(): BridgeNonce {
  return BridgeNonce.parse(randomBase64url(NONCE_BYTES));
}

/** Proves that this tab has the room's secret, without revealing it. */
export function signBridgeClaim(
  secret: RoomSecret,
  claim: BridgeClaim,
  succession: KeySuccession = [],
): {
  readonly publicKey: BridgePublicKey;
  readonly signature: BridgeSignature;
  readonly succession: KeySuccession;
} {
  return { ...bridgeKey(secret).sign(signedBytes(claim)), succession };
}

/** Whether `signature` is `publicKey`'s of exactly this claim. */
export function verifyBridgeClaim(
  publicKey: BridgePublicKey,
  claim: BridgeClaim,
  signature: BridgeSignature,
): boolean {
  return isSigned(publicKey, signedBytes(claim), signature);
}

/** The 32-byte key of the proof between two members (HMAC). */
export function admissionKey(secret: RoomSecret): Uint8Array {
  return derive(secret, "tabmesh admission hmac");
}

function bridgeKey(secret: RoomSecret) {
  const privateKey = derive(secret, "tabmesh bridge ed25519");
  const publicKey = BridgePublicKey.parse(encode(ed25519.getPublicKey(privateKey)));
  const sign = (bytes: Uint8Array) => {
    const signature = BridgeSignature.parse(encode(ed25519.sign(bytes, privateKey)));
    return { publicKey, signature };
  };
  return { publicKey, sign };
}

function isSigned(key: BridgePublicKey, bytes: Uint8Array, signature: BridgeSignature): boolean {
  // Strict rules (RFC 8032): a key of small order would verify signatures of others.
  return ed25519.verify(decode(signature), bytes, decode(key), { zip215: false });
}

function succeeding(room: RoomCode, next: BridgePublicKey): Uint8Array {
  return utf8ToBytes(`tabmesh-bridge-succession\n${room}\n${next}`);
}

function derive(secret: RoomSecret, purpose: string): Uint8Array {
  return hkdf(sha256, decode(secret), undefined, utf8ToBytes(purpose), 32);
}

function signedBytes({ room, epoch, member, nonce }: BridgeClaim): Uint8Array {
  const fields = ["tabmesh-bridge-v3", room, epoch, member, nonce];
  return utf8ToBytes(fields.join("\n"));
}

/** Text that decodes to exactly `bytes` bytes, in the one canonical spelling. */
function base64url(bytes: number) {
  const characters = Math.ceil((bytes * 8) / 6);
  const isCanonical = (text: string) =>
    text.length === characters && /^[\w-]+$/.test(text) && encode(decode(text)) === text;
  return z.string().refine(isCanonical, `expected base64url of ${bytes} bytes`);
}

function randomBase64url(bytes: number): string {
  return encode(crypto.getRandomValues(new Uint8Array(bytes)));
}
