/**
 * The two proofs that a peer belongs to the room, or may ask to be admitted. Both are bound to the
 * connection: to the certificates of its two ends, to the ids of the two tabs, and to their nonces.
 *
 *   with the room's secret   an HMAC from each side; the callee's is first
 *   with the room's code     CPace: a share from each side; then the newcomer's tag, and the
 *                            member's only if that tag is right, so that a wrong guess teaches nothing
 *
 * Each is the steps of one side, to which each `yield` is the peer's next message. They end if the peer
 * proved it, and throw `Refused` otherwise.
 */
import { equalBytes } from "@noble/curves/utils.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import {
  admissionKey,
  type CloseFailure,
  FailureError,
  type MemberId,
  parseUntrusted,
  type RoomSecret,
} from "../shared/index.ts";
import type { Admission } from "./admission.ts";
import { Control, type Hello } from "./control.ts";
import { confirmationTag, intermediateKey, publicShare, sampleScalar } from "./cpace.ts";
import type { Fingerprints } from "./fingerprints.ts";

export type Role = "caller" | "callee";

export type Connection = {
  readonly peer: MemberId;
  readonly role: Role;
  readonly fingerprints: Fingerprints;
  readonly caller: Hello;
  readonly callee: Hello;
};

export type Tell = (message: Control) => void;

/** Why a peer's handshake failed. Caught where the handshake was opened. */
export class Refused extends FailureError<CloseFailure> {}

type Steps = Generator<undefined, void, unknown>;

/** A message of the peer, which must be of this type. */
export function received<Type extends Control["type"]>(
  type: Type,
  message: unknown,
  peer: MemberId,
): Control & { type: Type } {
  const control = parseUntrusted(Control, message).data;
  if (control?.type === type) return control as Control & { type: Type };
  const detail = "an unexpected message in the handshake";
  throw new Refused({ reason: "protocol_violation", peer, detail });
}

export function* proveSecret(connection: Connection, secret: RoomSecret, tell: Tell): Steps {
  const { peer, role } = connection;
  const key = admissionKey(secret);
  const macOf = (side: Role) => hmac(sha256, key, transcript(connection, side));
  const tellMac = () => tell({ type: "proof", mac: bytesToHex(macOf(role)) });
  if (role === "callee") tellMac();
  const { mac } = received("proof", yield, peer);
  if (!equalBytes(hexToBytes(mac), macOf(otherThan(role))))
    throw new Refused({ reason: "wrong_secret" });
  if (role === "caller") tellMac();
}

/** `guesses` is null in the newcomer, which has one guess in any case. */
export function* proveCode(
  connection: Connection,
  code: string,
  guesses: Admission["guesses"] | null,
  tell: Tell,
): Steps {
  const { peer, role, caller, callee } = connection;
  const scalar = sampleScalar();
  const inputs = {
    password: utf8ToBytes(code),
    channel: transcript(connection, null),
    session: hexToBytes(caller.nonce + callee.nonce),
  };
  const ours = { share: publicShare(inputs, scalar), data: utf8ToBytes(role) };
  tell({ type: "share", share: bytesToHex(ours.share) });
  const { share } = received("share", yield, peer);
  const theirs = { share: hexToBytes(share), data: utf8ToBytes(otherThan(role)) };
  const [initiator, responder] = role === "caller" ? [ours, theirs] : [theirs, ours];
  const key = intermediateKey(inputs, scalar, initiator, responder, theirs);
  if (key === null) throw new Refused({ reason: "wrong_code" });
  const tellTag = () =>
    tell({ type: "confirm", tag: bytesToHex(confirmationTag(inputs, key, ours)) });
  if (guesses === null) tellTag();
  const { tag } = received("confirm", yield, peer);
  const waitMs = guesses?.waitMs() ?? 0;
  // Before the tag is compared: whether it is right must not show.
  if (waitMs > 0) throw new Refused({ reason: "too_many_guesses", waitMs });
  if (!equalBytes(hexToBytes(tag), confirmationTag(inputs, key, theirs))) {
    guesses?.wrong();
    throw new Refused({ reason: "wrong_code" });
  }
  if (guesses !== null) tellTag();
}

/** Everything that both sides must agree on, as JSON, in which no two lists give the same text. */
function transcript({ fingerprints, caller, callee }: Connection, side: Role | null): Uint8Array {
  const parts = ({ protocol, member, nonce, holds }: Hello) => [protocol, member, nonce, holds];
  return utf8ToBytes(
    JSON.stringify(["tabmesh admission", side, fingerprints, parts(caller), parts(callee)]),
  );
}

function otherThan(role: Role): Role {
  return role === "caller" ? "callee" : "caller";
}
