/**
 * The handshake on a connection, before anything else is exchanged:
 *
 *   both sides   hello     version, id, nonce, and whether it has the room's secret or only its code
 *   both sides   a proof   of the secret, or of the code (proof.ts)
 *   callee       welcome   the caller waits for it: when it is connected, the other side is too
 *
 * Knows no channels: the owner delivers each message and sends what it is told.
 */
import { randomBytes, bytesToHex } from "@noble/hashes/utils.js";
import { z } from "zod";
import {
  type AdmissionFailure,
  type CloseFailure,
  type MemberId,
  parseUntrusted,
  type RoomSecret,
} from "../shared/index.ts";
import type { Admission, ProvenBy } from "./admission.ts";
import { Control, Hello } from "./control.ts";
import type { Fingerprints } from "./fingerprints.ts";
import { codeProof, type Proof, type Role, secretProof, type Tell } from "./proof.ts";

export type HandshakeOptions = {
  readonly self: MemberId;
  readonly peer: MemberId;
  readonly role: Role;
  readonly protocol: number;
  readonly admission: Admission;
  /** Read when the peer's first message arrives: the connection is open then. */
  readonly fingerprints: () => Fingerprints | null;
  readonly tell: Tell;
  /** Called once, unless the handshake is refused. */
  readonly onProven: (provenBy: ProvenBy) => void;
  /** Called once; the owner tells the peer and closes. */
  readonly onRefused: (failure: CloseFailure) => void;
};

export type Handshake = ReturnType<typeof openHandshake>;

export function openHandshake(options: HandshakeOptions) {
  const { self, peer, role, protocol, admission, fingerprints, tell } = options;
  let hello: Hello | null = null;
  let secret: RoomSecret | null = null;
  let proof: Proof | null = null;
  let provenBy: ProvenBy = "secret";
  let state: "proving" | "proven" | "over" = "proving";

  const refuse = (failure: CloseFailure) => {
    state = "over";
    options.onRefused(failure);
  };
  const violated = (detail = "an unexpected message in the handshake") =>
    refuse({ reason: "protocol_violation", peer, detail });
  const finish = () => {
    state = "over";
    options.onProven(provenBy);
  };

  const start = () => {
    if (hello !== null || state === "over") return;
    secret = admission.key?.secret ?? null;
    const nonce = bytesToHex(randomBytes(32));
    const holds = secret === null ? "code" : "secret";
    hello = { type: "hello", protocol, member: self, nonce, holds };
    tell(hello);
  };

  /** Whether this tab and the peer have a proof that both can give. */
  const refusalOf = (theirs: Hello): AdmissionFailure | null => {
    if (theirs.holds === "secret") return null;
    if (secret === null) return { reason: "peer_not_admitted", peer };
    if (admission.refuseCodes === null) return { reason: "code_not_checked_here", peer: self };
    return admission.refuseCodes();
  };

  const beginProof = (ours: Hello, theirs: Hello) => {
    const found = fingerprints();
    if (found === null) return violated("no fingerprints");
    const [caller, callee] = role === "caller" ? [ours, theirs] : [theirs, ours];
    const connection = { role, fingerprints: found, caller, callee };
    if (secret !== null && theirs.holds === "secret") {
      proof = secretProof(connection, secret, tell);
    } else {
      provenBy = "code";
      proof = codeProof(connection, admission.code, secret && admission.guesses, tell);
    }
    proof.begin();
  };

  const takeHello = (ours: Hello, message: unknown) => {
    const theirs = readHello(message, protocol, peer);
    if ("reason" in theirs) return refuse(theirs);
    const refusal = refusalOf(theirs);
    if (refusal !== null) return refuse(refusal);
    beginProof(ours, theirs);
  };

  const proven = () => {
    // The room has changed its secret since this handshake began.
    const isOutdated = provenBy === "secret" && secret !== admission.key?.secret;
    if (isOutdated) return refuse({ reason: "wrong_secret" });
    state = "proven";
    if (role === "caller") return;
    tell({ type: "welcome" });
    finish();
  };

  return {
    /** Call it when the connection is open, so that a secret that arrived in the meantime is used. */
    start,
    receive(message: unknown): void {
      start();
      if (state === "over" || hello === null) return;
      if (proof === null) return takeHello(hello, message);
      const control = parseUntrusted(Control, message).data;
      if (control === undefined) return violated();
      if (state === "proven") return control.type === "welcome" ? finish() : violated();
      const step = proof.take(control);
      if (step.kind === "refused") refuse(step.failure);
      else if (step.kind === "unexpected_message") violated();
      else if (step.kind === "proven") proven();
    },
  };
}

/** A peer's hello, or why it is refused. A later version may change the fields, so the version is read first. */
function readHello(message: unknown, ours: number, peer: MemberId): Hello | CloseFailure {
  const version = z.object({ type: z.literal("hello"), protocol: z.int() }).safeParse(message);
  if (!version.success) return { reason: "not_tabmesh", peer };
  const theirs = version.data.protocol;
  if (theirs !== ours) return { reason: "version_mismatch", ours, theirs };
  const hello = parseUntrusted(Hello, message);
  if (!hello.success) return { reason: "not_tabmesh", peer };
  return hello.data.member === peer ? hello.data : { reason: "other_identity", peer };
}
