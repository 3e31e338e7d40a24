/**
 * The secret of a room: 32 random bytes that the member that opens the room creates and that
 * every admitted member receives, over the encrypted control channel or in the fragment of the
 * room's link. No server receives it. Two keys are derived from it (HKDF-SHA-256, RFC 5869):
 * an Ed25519 key pair that proves to a server that a tab is in the room, and the key of the
 * proof by which members admit a newcomer.
 *
 * `@noble` instead of WebCrypto: `crypto.subtle` is absent on plain HTTP, and its API is asynchronous.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { z } from "zod";
import type { MemberId, RoomCode } from "./ids.ts";

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
): { readonly publicKey: BridgePublicKey; readonly signature: BridgeSignature } {
  const privateKey = derive(secret, "tabmesh bridge ed25519");
  return {
    publicKey: BridgePublicKey.parse(encode(ed25519.getPublicKey(privateKey))),
    signature: BridgeSignature.parse(encode(ed25519.sign(signedBytes(claim), privateKey))),
  };
}

/** Whether `signature` is `publicKey`'s of exactly this claim. */
export function verifyBridgeClaim(
  publicKey: BridgePublicKey,
  claim: BridgeClaim,
  signature: BridgeSignature,
): boolean {
  // Strict rules (RFC 8032): a key of small order would verify signatures of others.
  const rules = { zip215: false };
  return ed25519.verify(decode(signature), signedBytes(claim), decode(publicKey), rules);
}

/** The 32-byte key of the proof between two members (HMAC). */
export function admissionKey(secret: RoomSecret): Uint8Array {
  return derive(secret, "tabmesh admission hmac");
}

function derive(secret: RoomSecret, purpose: string): Uint8Array {
  return hkdf(sha256, decode(secret), undefined, new TextEncoder().encode(purpose), 32);
}

function signedBytes({ room, epoch, member, nonce }: BridgeClaim): Uint8Array {
  const fields = ["tabmesh-bridge-v3", room, epoch, member, nonce];
  return new TextEncoder().encode(fields.join("\n"));
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

function encode(bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decode(text: string): Uint8Array {
  const base64 = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(base64, (character) => character.charCodeAt(0));
}
