/**
 * The two proofs that a peer belongs to the room, or may ask to be admitted. Both are bound to the
 * connection: to the certificates of its two ends, to the ids of the two tabs, and to their nonces.
 *
 *   with the room's secret   an HMAC from each side; the callee's is first
 *   with the room's code     CPace: a share from each side; then the newcomer's tag, and the
 *                            member's only if that tag is right, so that a wrong guess teaches nothing
 */
import { equalBytes } from "@noble/curves/utils.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { admissionKey, type AdmissionFailure, type RoomSecret } from "../shared/index.ts";
import type { Admission } from "./admission.ts";
import type { Control, Hello } from "./control.ts";
import {
  confirmationTag,
  type CpaceMessage,
  intermediateKey,
  publicShare,
  sampleScalar,
} from "./cpace.ts";
import type { Fingerprints } from "./fingerprints.ts";

export type Role = "caller" | "callee";

export type Connection = {
  readonly role: Role;
  readonly fingerprints: Fingerprints;
  readonly caller: Hello;
  readonly callee: Hello;
};

export type Step =
  | { readonly kind: "open" | "proven" | "unexpected_message" }
  | { readonly kind: "refused"; readonly failure: AdmissionFailure };

export type Proof = {
  begin(): void;
  /** One message of the peer. */
  take(message: Control): Step;
};

export type Tell = (message: Control) => void;

export function secretProof(connection: Connection, secret: RoomSecret, tell: Tell): Proof {
  const { role } = connection;
  const key = admissionKey(secret);
  const macOf = (side: Role) => hmac(sha256, key, transcript(connection, side));
  const tellMac = () => tell({ type: "proof", mac: bytesToHex(macOf(role)) });
  return {
    begin: () => {
      if (role === "callee") tellMac();
    },
    take(message) {
      if (message.type !== "proof") return { kind: "unexpected_message" };
      if (!equalBytes(hexToBytes(message.mac), macOf(otherThan(role))))
        return refused({ reason: "wrong_secret" });
      if (role === "caller") tellMac();
      return { kind: "proven" };
    },
  };
}

/** `guesses` is null in the newcomer, which has one guess in any case. */
export function codeProof(
  connection: Connection,
  code: string,
  guesses: Admission["guesses"] | null,
  tell: Tell,
): Proof {
  const { role, caller, callee } = connection;
  const scalar = sampleScalar();
  const inputs = {
    password: utf8ToBytes(code),
    channel: transcript(connection, null),
    session: hexToBytes(caller.nonce + callee.nonce),
  };
  const ours: CpaceMessage = { share: publicShare(inputs, scalar), data: utf8ToBytes(role) };
  let theirs: CpaceMessage | null = null;
  let key: Uint8Array | null = null;
  const tellTag = () => {
    if (key !== null)
      tell({ type: "confirm", tag: bytesToHex(confirmationTag(inputs, key, ours)) });
  };
  const takeShare = (share: string): Step => {
    if (theirs !== null) return { kind: "unexpected_message" };
    theirs = { share: hexToBytes(share), data: utf8ToBytes(otherThan(role)) };
    const [initiator, responder] = role === "caller" ? [ours, theirs] : [theirs, ours];
    key = intermediateKey(inputs, scalar, initiator, responder, theirs);
    if (key === null) return refused({ reason: "wrong_code" });
    if (guesses === null) tellTag();
    return { kind: "open" };
  };
  const takeTag = (tag: string): Step => {
    if (theirs === null || key === null) return { kind: "unexpected_message" };
    const waitMs = guesses?.waitMs() ?? 0;
    // Before the tag is compared: whether it is right must not show.
    if (waitMs > 0) return refused({ reason: "too_many_guesses", waitMs });
    if (!equalBytes(hexToBytes(tag), confirmationTag(inputs, key, theirs))) {
      guesses?.wrong();
      return refused({ reason: "wrong_code" });
    }
    if (guesses !== null) tellTag();
    return { kind: "proven" };
  };
  return {
    begin: () => tell({ type: "share", share: bytesToHex(ours.share) }),
    take(message) {
      if (message.type === "share") return takeShare(message.share);
      if (message.type === "confirm") return takeTag(message.tag);
      return { kind: "unexpected_message" };
    },
  };
}

/** Everything that both sides must agree on, as JSON, in which no two lists give the same text. */
function transcript({ fingerprints, caller, callee }: Connection, side: Role | null): Uint8Array {
  const parts = ({ protocol, member, nonce, holds }: Hello) => [protocol, member, nonce, holds];
  return utf8ToBytes(
    JSON.stringify(["tabmesh admission", side, fingerprints, parts(caller), parts(callee)]),
  );
}

function refused(failure: AdmissionFailure): Step {
  return { kind: "refused", failure };
}

function otherThan(role: Role): Role {
  return role === "caller" ? "callee" : "caller";
}
